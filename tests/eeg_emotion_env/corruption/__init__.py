"""Damaged data sets, and what is said of them."""
