# One set of commands for laptop and CI. `make demo` and `make test` make their own .venv first.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS := 1
export MPLBACKEND := Agg

.PHONY: demo test check lint format type layers weights clean

.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/.installed  ## the whole system on the simulation: table, predictions and report
	$(BIN)/eegdancer leaderboard --dataset simulated --option n_subjects=8 \
	  --split grouped-k-fold --n-folds 4 --out runs/demo \
	  --entries constant,stimulus-time-mean,ridge,gru,eegdancer

test: .venv/.installed  ## all tests, on two processes
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint type layers test  ## everything that CI checks

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: .venv/.installed
	$(BIN)/mypy

layers: .venv/.installed
	$(BIN)/lint-imports

weights: .venv/.installed  ## make the shipped encoder weights anew (see encoders/weights/README.md)
	$(BIN)/python -m benchmarks.make_weights

clean:
	rm -rf runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
