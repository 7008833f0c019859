"""What names in the news are made of: states, honorifics, offices, words that make an organisation, a firm or a policy.

Data, not rules: :mod:`framelens.targets` and :mod:`framelens.sources` say what follows from a word's being here. English only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

UPPER = "A-Z" + "".join(chr(c) for c in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)) if chr(c).isupper())

HONORIFICS = frozenset(
    ["Mr", "Mrs", "Ms", "Miss", "Mx", "Messrs", "Dr", "Prof", "Professor", "Sir", "Dame", "Lord", "Lady", "Baroness", "Baron", "Rev", "Reverend", "Fr", "Father", "Sister", "Imam", "Rabbi", "Bishop", "Archbishop", "Cardinal", "Pope", "Patriarch", "King", "Queen", "Prince", "Princess", "Crown", "Emperor", "Sultan", "Emir", "Sheikh", "Sheik", "Gen", "General", "Lt", "Lieutenant", "Col", "Colonel", "Maj", "Major", "Capt", "Captain", "Cmdr", "Commander", "Sgt", "Sergeant", "Cpl", "Corporal", "Adm", "Admiral", "Brig", "Brigadier", "Marshal", "Comrade", "Sen", "Rep", "Gov", "Hon", "Judge", "Justice", "Vice", "Rear", "Chief", "Supreme", "Squadron", "Wing", "Sub", "Detective", "Inspector", "Don", "Doña", "Señor", "Señora", "Herr", "Frau", "Monsieur", "Madame", "Tun", "Tan", "Datuk", "Maj-Gen", "Lt-Gen", "Lt-Col", "Mgr", "Ayatollah", "Mullah", "Haji", "Hajji"]
)
OFFICES = frozenset(
    ["President", "Vice-President", "Premier", "Chancellor", "Minister", "Secretary", "Under-Secretary", "Undersecretary", "Governor", "Mayor", "Senator", "Congressman", "Congresswoman", "Representative", "Rapporteur", "Speaker", "Chairman", "Chairwoman", "Chairperson", "Chair", "Ambassador", "Envoy", "Commissioner", "Director", "Director-General", "Secretary-General", "Spokesman", "Spokeswoman", "Spokesperson", "Councillor", "Councilor", "Counsellor", "Counselor", "Deputy", "Attorney", "Leader", "Chief", "Consul", "Delegate", "Deputy-Minister", "Vice-Premier", "Vice-Minister", "CEO", "CFO", "CTO", "COO", "Founder", "Owner", "Editor", "Correspondent", "Reporter", "Analyst", "Economist", "Researcher", "Lecturer", "Lawyer", "Solicitor", "Prosecutor", "Treasurer", "Taoiseach", "Tánaiste", "Officer", "Executive", "Whip", "MP", "MEP", "MSP", "TD", "Congresswoman", "Vice-Chairman", "Vice-President", "Co-chair", "Advisor", "Adviser", "Head", "Manager", "Dean", "Coach", "Ombudsman", "Comptroller", "Superintendent", "Sheriff", "Czar", "Representative", "Negotiator", "Backbencher", "Lawmaker", "Dictator", "Organiser", "Organizer", "Activist", "Author", "Professor", "Doctor", "Captain", "General"]
)
ORGANISATIONS = frozenset(
    ["Ministry", "Department", "Commission", "Party", "Council", "Bank", "University", "Agency", "Authority", "Administration", "Government", "Parliament", "Congress", "Senate", "Assembly", "Court", "Committee", "Association", "Federation", "Union", "Organisation", "Organization", "Institute", "Institution", "Center", "Centre", "Bureau", "Office", "Chamber", "Board", "Foundation", "Fund", "Society", "Alliance", "Coalition", "League", "Embassy", "Consulate", "Army", "Navy", "Force", "Forces", "Guard", "Police", "Service", "Services", "Treasury", "Cabinet", "Exchange", "College", "School", "Academy", "Club", "Trust", "Network", "Forum", "Confederation", "Secretariat", "Tribunal", "Conference", "Directorate", "Inspectorate", "Politburo", "Pentagon", "Commons", "Lords", "House", "Duma", "Knesset", "Diet", "Bundestag", "Bundesbank", "Bundesrat", "Reichstag", "Corps", "Command", "Reserve", "Mission", "Delegation", "Syndicate", "Guild", "Congregation", "Church", "Hospital", "Laboratory", "Observatory", "Watch", "Times", "Post", "Journal", "News", "Daily", "Herald", "Tribune", "Guardian", "Telegraph", "Gazette", "Chronicle", "Broadcasting", "Press", "Republicans", "Democrats", "Conservatives", "Tories", "Labour", "Liberals", "Socialists", "Greens", "Taskforce", "Team", "Legislature", "Registry", "Archive", "Museum", "Library", "Collective", "Initiatives", "Customs", "Prosecutor’s", "Coastguard", "Task", "Institutes", "Cooperative", "Co-operative", "Operative", "Operatives", "Mint", "Mills", "Statistics", "Regulator"]
)
FIRMS = frozenset(
    ["Inc", "Corp", "Corporation", "Ltd", "Limited", "PLC", "Plc", "Group", "Co", "Company", "Companies", "LLC", "LLP", "AG", "SA", "GmbH", "NV", "SE", "AB", "ASA", "Oyj", "SpA", "Holdings", "Holding", "Technologies", "Technology", "Motors", "Motor", "Airlines", "Airways", "Industries", "Partners", "Systems", "Electronics", "Semiconductor", "Semiconductors", "Pharmaceuticals", "Pharma", "Biologics", "Software", "Telecom", "Telecommunications", "Communications", "Mobile", "Energy", "Petroleum", "Oil", "Gas", "Steel", "Mining", "Foods", "Estates", "Brands", "Insurance", "Capital", "Ventures", "Shipping", "Logistics", "Chemicals", "Electric", "Automotive", "Aerospace", "Aviation", "Enterprises", "Bancorp", "Securities", "Terminals", "Express", "Ports", "Brewery", "Breweries", "Dairy", "Solar", "Microsystems", "Studios", "Media", "Stores", "Pictures", "Labs", "Networks", "Biotech", "Biosystems", "Rail", "Railways", "Lines"]
)
POLICIES = frozenset(
    ["Act", "Bill", "Plan", "Initiative", "Agreement", "Treaty", "Order", "Directive", "Regulation", "Law", "Code", "Pact", "Accord", "Accords", "Protocol", "Convention", "Charter", "Constitution", "Strategy", "Program", "Programme", "Scheme", "Policy", "Declaration", "Resolution", "Amendment", "Doctrine", "Deal", "Partnership", "Framework", "Package", "Budget", "Roadmap", "Brexit", "Obamacare", "Memorandum", "Mechanism", "Article", "Clause", "Annex", "Communiqué", "Reform", "Rule", "Referendum", "Project", "Ordinance", "Decree", "Statute", "Blueprint", "Compact", "Statement", "Review", "Report", "Section"]
)
# Fields that offices and ministries are for: "Commerce Secretary", "Secretary of State".
PORTFOLIOS = frozenset(
    ["State", "Defence", "Defense", "Commerce", "Health", "Treasury", "Staff", "Homeland", "Security", "Trade", "Labour", "Labor", "Education", "Energy", "Interior", "Justice", "Agriculture", "Transport", "Transportation", "Finance", "Foreign", "Affairs", "Culture", "Digital", "Exchequer", "Business", "Home", "Environment", "Industry", "International", "Development", "External", "Economy", "Economic", "Social", "Care", "Media", "Sport", "Work", "Pensions", "Housing", "Tourism", "Fisheries", "Science", "Technology", "National", "Intelligence", "Information", "Prime", "First", "Deputy", "Vice", "Assistant", "Joint", "Acting", "Former", "Ex", "Shadow", "Permanent", "Attorney", "Secretary", "Minister", "Under", "Opposition", "House", "Senate", "Majority", "Minority", "Press", "Executive", "Chief", "Managing", "Special", "Trade", "Senior", "Junior", "Lead", "Principal", "Honorary", "General", "Regional", "Municipal", "Provincial", "Planning", "Water", "Public", "Works", "Veterinary"]
)
_TIME = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mondays Tuesdays Wednesdays Thursdays Fridays Saturdays Sundays "
    "Mon Tue Tues Wed Thu Thurs Fri Sat Sun January February March April May June July August September October November December "
    "Jan Feb Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec Christmas Easter Ramadan Diwali Thanksgiving Ltda GMT BST EST EDT UTC CET "
    "PST PDT AM PM"
)
_NO_NAMES = (
    "Western Eastern Northern Southern North South East West Asian African Arab Arctic Atlantic Pacific Mediterranean Christian "
    "Muslim Jewish Islamic Catholic Hindu Buddhist Latin Anglo Franco Nordic Baltic Balkan Gulf Caribbean Internet Web Covid COVID "
    "Coronavirus God Earth Bible English Spanish-language Mandarin Cantonese Arabic Hebrew Hindi Urdu Swahili Tagalog Bahasa "
    "AI IT TV GDP IP PC PR HR VAT DNA PDF FAQ CEO CFO CTO COO MP MPs MEP MEPs PM MBE OBE CBE QC KC PhD BA MA BSc MSc UFO GPS USB "
    "LED CCTV SMS SUV SUVs ID IDs OK Q A R&D M&A B C D E F G H J K L N O P S T U V X Y Z I II III IV VI VII VIII IX XI's "
    "Photo Video Read Related Advertisement Image Copyright Editor's Getty LTE STEM ICT FDI IPO VPN NGO NGOs SME SMEs "
    "Internet-of-Things CPU GPU RMB USD GBP EUR CNY Euro Euros Dollar Pound Yuan Excellency Majesty Highness Honourable Honorable "
    "Q&A JPEG PPE AIDS HIV DVD CD FM"
)
TIMES = frozenset(_TIME.split())
NOT_NAMES = TIMES | frozenset(_NO_NAMES.split())
MONTHS_THAT_NAME = frozenset({"May", "April", "June", "August", "Jan"})
GENDERS = {
    "f": frozenset(
        ["Mrs", "Ms", "Miss", "Dame", "Lady", "Baroness", "Sister", "Queen", "Princess", "Congresswoman", "Chairwoman", "Spokeswoman", "Councilwoman", "Businesswoman", "Madame", "Madam", "Señora", "Doña", "Frau", "Mother", "Woman", "Businesswomen", "Duchess", "Countess", "Empress", "Policewoman", "Stateswoman", "Alderwoman", "Forewoman", "Mayoress", "Actress", "Widow", "Wife", "Daughter", "Grandmother", "Housewife", "Saleswoman", "Fisherwoman", "Girl", "Aunt", "Anchorwoman", "Noblewoman", "Vice-Chairwoman", "Headmistress", "Waitress", "Midwife", "Nun"]
    ),
    "m": frozenset(
        ["Mr", "Messrs", "Sir", "Lord", "Baron", "Father", "Fr", "King", "Prince", "Congressman", "Chairman", "Spokesman", "Councilman", "Businessman", "Monsieur", "Señor", "Don", "Herr", "Brother", "Man", "Duke", "Count", "Emperor", "Sultan", "Emir", "Sheikh", "Sheik", "Imam", "Pope", "Cardinal", "Archbishop", "Policeman", "Statesman", "Alderman", "Foreman", "Actor", "Widower", "Husband", "Son", "Grandfather", "Salesman", "Fisherman", "Boy", "Uncle", "Anchorman", "Nobleman", "Vice-Chairman", "Monk", "Patriarch", "Ayatollah", "Mullah", "Frontman"]
    ),
}


@dataclass(frozen=True, slots=True)
class Country:
    """A state or a body of states: its name, other names, demonyms, and the seats that stand for its government."""

    name: str
    aliases: tuple[str, ...]
    demonyms: tuple[str, ...]
    seats: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its other names."""
        return (self.name, *self.aliases)

    @property
    def people(self) -> tuple[str, ...]:
        """Demonyms with their plurals: American, Americans."""
        endings = ("s", "sh", "ch", "ese", "x", "z", "ic", "shman", "chman", "woman")
        return (*self.demonyms, *(f"{d}s" for d in self.demonyms if not d.endswith(endings)))


@lru_cache(maxsize=1)
def countries() -> tuple[Country, ...]:
    """Every member of the United Nations, and Hong Kong, Kosovo, Macau, Palestine, Taiwan, the Vatican and the European Union."""
    table = files("framelens").joinpath("countries.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in table)
    return tuple(Country(name, *(tuple(filter(None, cell.split(";"))) for cell in cells)) for name, *cells in rows)


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    return frozenset(files("framelens").joinpath("common_words.txt").read_text(encoding="utf-8").split())


@lru_cache(maxsize=8192)
def is_common(word: str) -> bool:
    """Whether a word (in any case) is an English word rather than a name: itself, or what is left without its ending."""
    word = word.lower()
    known = _common_words()
    if word in known:
        return True
    for ending, instead in (
        ("s", ""),
        ("es", ""),
        ("ed", ""),
        ("ed", "e"),
        ("ing", ""),
        ("ing", "e"),
        ("ies", "y"),
        ("ly", ""),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 2 and word[: -len(ending)] + instead in known:
            return True
    return False
