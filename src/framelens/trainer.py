"""transformers' ``Trainer``, with a second learning rate for the head and training states that hold no pickle.

The stock Trainer keeps optimizer, scheduler and random states as pickles. Here they are safetensors and JSON, so a run
folder from anywhere can be resumed without executing what is in it.
"""

from __future__ import annotations

import json
import logging
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import TRAINING_ARGS_NAME

from framelens.config import OptimisationConfig
from framelens.errors import CheckpointError
from framelens.features import Collator
from framelens.modeling import FrameModel
from framelens.runs import announce, processes

log = logging.getLogger("framelens.training")
_OPTIMIZER, _STATE = "optimizer.safetensors", "training_state.json"
_COMPLETE = "trainer_state.json"  # the Trainer writes it last, so a checkpoint without it was cut short


class EpochLog(TrainerCallback):  # type: ignore[misc]
    """Writes what the Trainer reports (loss, dev macro-F1, ...) to framelens' log, once an epoch."""

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Called by the Trainer."""
        log.info("%s", ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in (logs or {}).items()))
        announce(logs or {})


class FrameTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped here
    """``Trainer`` with its own learning rate for parameters outside the encoder, and safe training states.

    Args:
        head_learning_rate: of everything that is not the encoder.
        assess: metrics of the model, by name; called after each epoch.
    """

    optimizer: Any
    lr_scheduler: Any
    control: Any

    def __init__(self, *args: Any, head_learning_rate: float, assess: Callable[[], dict[str, float]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_learning_rate = head_learning_rate
        self._assess = assess

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The metrics of ``assess``: the stock loop takes one output of one shape per sentence, and shuffles what is grouped by length."""
        metrics = {f"eval_{name}": value for name, value in self._assess().items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_optimizer(self, model: Any = None) -> Any:
        """AdamW over four groups: encoder and head, each with and without weight decay."""
        if self.optimizer is None:
            decayed = set(self.get_decay_parameter_names(self.model))
            groups: dict[tuple[bool, bool], list[Any]] = {}
            for name, parameter in self.model.named_parameters():
                groups.setdefault((name.startswith("encoder."), name in decayed), []).append(parameter)
            self.optimizer = torch.optim.AdamW(
                [
                    {
                        "params": parameters,
                        "lr": self.args.learning_rate if encoder else self._head_learning_rate,
                        "weight_decay": self.args.weight_decay if decay else 0.0,
                    }
                    for (encoder, decay), parameters in groups.items()
                ],
                fused=True,  # one pass over memory a step: on two cores the step of a base-size encoder is otherwise a fifth of the time
            )
        return self.optimizer

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        super()._save(output_dir, state_dict)
        (Path(output_dir or self.args.output_dir) / TRAINING_ARGS_NAME).unlink(missing_ok=True)  # a pickle nobody reads

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not self.args.should_save:
            return
        state = self.optimizer.state_dict()
        tensors = {
            f"{index}.{key}": torch.as_tensor(value).contiguous()
            for index, entries in state["state"].items()
            for key, value in entries.items()
        }
        save_file(tensors, Path(output_dir) / _OPTIMIZER)
        _write(Path(output_dir) / _STATE, {"groups": state["param_groups"], "scheduler": self.lr_scheduler.state_dict()})

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        saved = _read(Path(checkpoint) / _STATE)
        entries: dict[int, dict[str, Any]] = {}
        for name, tensor in load_file(Path(checkpoint) / _OPTIMIZER).items():
            index, key = name.split(".", 1)
            entries.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({"state": entries, "param_groups": saved["groups"]})
        self.lr_scheduler.load_state_dict(saved["scheduler"])

    def _save_rng_state(self, output_dir: str) -> None:
        kind, keys, *rest = np.random.get_state()
        states = {
            "python": random.getstate(),
            "numpy": [kind, np.asarray(keys).tolist(), *rest],
            "torch": torch.get_rng_state().tolist(),
            "cuda": [state.tolist() for state in torch.cuda.get_rng_state_all()] if torch.cuda.is_available() else [],
        }
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        _write(Path(output_dir) / f"random_state_{self.args.process_index}.json", states)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        path = Path(checkpoint or "") / f"random_state_{self.args.process_index}.json"
        if checkpoint is None or not path.is_file():
            return
        states = _read(path)
        version, keys, gauss = states["python"]
        random.setstate((version, tuple(keys), gauss))
        kind, numbers, *rest = states["numpy"]
        np.random.set_state((kind, np.array(numbers, dtype=np.uint32), *rest))
        torch.set_rng_state(torch.tensor(states["torch"], dtype=torch.uint8))
        for device, state in enumerate(states["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(torch.tensor(state, dtype=torch.uint8), device)


def build_trainer(
    options: OptimisationConfig,
    folder: Path,
    model: FrameModel,
    tokenizer: Any,
    rows: list[dict[str, Any]],
    assess: Callable[[], dict[str, float]],
    progress: bool,
) -> FrameTrainer:
    """A trainer that keeps the epoch with the best ``score`` of ``assess`` and its states in ``folder``."""
    steps = math.ceil(len(rows) / (options.batch_size * processes()[1]))  # of an epoch
    trainer = FrameTrainer(
        head_learning_rate=options.head_learning_rate,
        assess=assess,
        model=model,
        args=TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            warmup_steps=math.ceil(options.warmup * options.epochs * steps),
            eval_strategy="epoch",
            save_strategy="epoch",
            logging_strategy="epoch",
            save_total_limit=2,
            load_best_model_at_end=True,
            restore_callback_states_from_checkpoint=True,  # so that a resumed run keeps counting its patience
            metric_for_best_model="score",
            greater_is_better=True,
            train_sampling_strategy="group_by_length",
            bf16=options.precision == "bf16",
            use_cpu=not torch.accelerator.is_available(),  # unless told, accelerate leaves processes on CPUs unconnected
            seed=options.seed,
            data_seed=options.seed,
            label_names=["labels"],
            remove_unused_columns=False,
            dataloader_pin_memory=torch.cuda.is_available(),
            disable_tqdm=not progress,
            report_to="none",
        ),
        train_dataset=rows,
        eval_dataset=rows[:1],  # the Trainer wants one; `assess` knows the dev sentences
        processing_class=tokenizer,
        data_collator=Collator(tokenizer.pad_token_id),
        callbacks=[EpochLog(), EarlyStoppingCallback(early_stopping_patience=options.patience)],
    )
    if not progress:
        trainer.remove_callback(PrinterCallback)
    return trainer


def last_complete_checkpoint(folder: Path) -> str | None:
    """The newest ``checkpoint-N`` that was written to its end; what a kill left half-written is passed over."""
    for path in sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]), reverse=True):
        try:
            json.loads((path / _COMPLETE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return str(path)
    return None


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data), encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read, so the run cannot be resumed: {error}") from error
