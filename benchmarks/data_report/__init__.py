"""The report on a data folder: one HTML page that shows what is there and what is wrong."""

from benchmarks.data_report.page import write_data_report

__all__ = ["write_data_report"]
