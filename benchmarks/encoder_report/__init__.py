"""The report on a frozen encoder: what its prototypes are, and what can be read from them."""

from benchmarks.encoder_report.report import write_encoder_report

__all__ = ["write_encoder_report"]
