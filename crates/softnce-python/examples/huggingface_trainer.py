"""Hugging Face's Trainer: a small image classifier on generated images, with MixUp, CutMix and gradient accumulation.

Besides softnce it needs ``pip install transformers accelerate``.
"""

import torch
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

from softnce.data import Mixup
from softnce.huggingface import compute_loss_func
from softnce.torch import SoftTargetInfoNCE

mixup = Mixup(mixup_alpha=0.8, cutmix_alpha=1.0, num_classes=4)


class MixingTrainer(Trainer):
    # Here and not in the collator, which evaluation uses as well.
    def training_step(self, model, inputs, *further):
        inputs["pixel_values"], inputs["labels"] = mixup(inputs["pixel_values"], inputs["labels"])
        return super().training_step(model, inputs, *further)


def main() -> None:
    labels = torch.arange(128) % 4
    images = torch.rand(4, 3, 16, 16)[labels] + 0.1 * torch.randn(128, 3, 16, 16)
    rows = [{"pixel_values": image, "labels": label} for image, label in zip(images, labels.tolist())]

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = ViTForImageClassification(ViTConfig(image_size=16, patch_size=8, num_labels=4, **sizes))
    # In the model, so that it moves to the device, its temperature is learned, and both are saved.
    model.criterion = SoftTargetInfoNCE(noise_counts=torch.bincount(labels), learn_temperature=True, reduction="sum")
    trainer = MixingTrainer(
        model,
        TrainingArguments(
            output_dir="trainer-output",
            per_device_train_batch_size=16,
            gradient_accumulation_steps=2,
            num_train_epochs=20,
            learning_rate=3e-3,
            save_strategy="no",
            report_to="none",
        ),
        train_dataset=rows,
        eval_dataset=rows,
        compute_loss_func=compute_loss_func(model.criterion),
        compute_metrics=lambda found: {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())},
    )
    trainer.train()
    print(f"accuracy {trainer.evaluate()['eval_accuracy']:.3f}, temperature {model.criterion.temperature.item():.3f}")


if __name__ == "__main__":
    main()
