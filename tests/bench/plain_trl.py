"""A plain trl script for one optimiser step: what a person would write, to compare a trial's fixed cost with.

    python -m tests.bench.plain_trl MODEL_FOLDER ROWS.jsonl

Prints JSON: Unix seconds at which each part was done. NF4 by bitsandbytes, LoRA r=16, SFTTrainer; nothing cached.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time


def main(model_dir: str, rows: str) -> None:
    done = {"begun": time.time()}

    import torch
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    done["imports"] = time.time()
    quantisation = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    model = AutoModelForCausalLM.from_pretrained(model_dir, quantization_config=quantisation, dtype=torch.bfloat16)
    done["model"] = time.time()

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: object, **__: object) -> None:
            done["data and trainer"] = time.time()

    data = load_dataset("json", data_files=rows, split="train").map(lambda row: {"text": row["prompt"] + row["answer"]})
    with tempfile.TemporaryDirectory() as out:
        arguments = SFTConfig(
            output_dir=out, max_steps=1, per_device_train_batch_size=8, max_length=256, report_to="none", bf16=False
        )
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=data.select_columns(["text"]),
            processing_class=tokenizer,
            peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
            callbacks=[Clock()],
        )
        trainer.train()
    done["first step"] = time.time()
    sys.stdout.write("\n" + json.dumps(done) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
