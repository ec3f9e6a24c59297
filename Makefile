# Every command of the project. `make` alone lists them.
#
#   ARGS="..."       further arguments for the program or for pytest     make run ARGS="--quick"
#   PYTHON=...       interpreter for the environment, 3.10 to 3.15        make run PYTHON=python3.12
#   TORCH=cpu        PyTorch's CPU wheels; TORCH=default: the registry's build. Unset: as tools/setup.sh says
#   TORCH_INDEX=...  where the CPU wheels are, if not on PyTorch's own index
#   SLOW=1           make test with the slow tests too

BIN := .venv/bin
PY := $(BIN)/python
# Two processes share the test files out between them, in the order of their names, each with one thread: more threads
# would wait for one another (t-SNE takes ten times as long). The last option wins: ARGS="-n 0" runs all in one process,
# ARGS="-n 4" in four. --pdb needs one process, and gets it.
LANES := OMP_NUM_THREADS=1 PYTEST_XDIST_AUTO_NUM_WORKERS=2
PYTEST := $(LANES) $(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run explore test test-slow student check-sync release handout report grade class
.PHONY: submission autograder gradescope reference-submission where bench audit lint lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' Makefile

setup: ## create or repair .venv from the locked dependencies (the commands below do it by themselves)
	@sh tools/setup.sh

run: setup ## run the whole assignment: every number, picture and table, into results/
	$(PY) solution/main.py $(ARGS)

explore: setup ## open the KL explorer and the latent explorer in a browser: make explore ARGS=latent
	$(PY) solution/explore.py $(ARGS)

test: setup ## run the tests, without the slow ones (SLOW=1: with them)
	$(PYTEST) $(if $(SLOW),,-m "not slow") $(ARGS)

test-slow: setup ## run only the slow tests
	$(PYTEST) -m slow $(ARGS)

student: setup ## regenerate student/ from solution/ and tests/public
	$(PY) -m autograder student

check-sync: setup ## fail if student/ is not what `make student` generates
	$(PY) -m autograder check-sync

release: setup ## write dist/student.zip
	$(PY) -m autograder release

handout: setup ## write dist/handout.pdf, the handout as students may want to print it
	$(PY) -m autograder handout

report: setup ## run the report with its answers, write dist/report/ (after make run, or ARGS="--results FOLDER")
	$(PY) -m autograder report $(ARGS)

grade: setup ## grade a submission: make grade SUBMISSION=folder-or-zip
	$(if $(SUBMISSION),,$(error say what to grade: make grade SUBMISSION=folder-or-zip))
	$(PY) -m autograder grade "$(SUBMISSION)" --out results.json

class: setup ## grade a whole class: make class SUBMISSIONS=export-folder-or-zip [OUT=grades]
	$(if $(SUBMISSIONS),,$(error say what to grade: make class SUBMISSIONS=export-folder-or-zip))
	$(PY) -m autograder class "$(SUBMISSIONS)" --out "$(or $(OUT),grades)" $(ARGS)

submission: setup ## pack a student's folder: make submission FOLDER=student (students: python submit.py)
	$(PY) solution/submit.py --folder "$(or $(FOLDER),student)" $(ARGS)

autograder: setup ## write dist/autograder.zip, for Gradescope and for Otter (docs/instructors.md)
	$(PY) -m autograder zip $(ARGS)

gradescope: setup ## try the zip as Gradescope would: make gradescope SUBMISSION=folder-or-zip
	$(if $(SUBMISSION),,$(error say what to grade: make gradescope SUBMISSION=folder-or-zip))
	$(PY) -m autograder gradescope "$(SUBMISSION)" $(ARGS)

reference-submission: setup ## write dist/reference.zip, what a perfect student would hand in
	$(PY) -m autograder reference-submission

where: setup ## list the places where a task lives: make where TASK=kl_diag_normal
	$(if $(TASK),,$(error say which task: make where TASK=kl_diag_normal))
	$(PY) -m autograder where "$(TASK)"

bench: setup ## measure speed and memory of training and grading, write bench.json
	$(PY) -m tools.bench_training
	$(PY) -m autograder bench

audit: setup ## measure the grader with wrong and right code (ARGS="--quick": a sample)
	$(PY) -m autograder audit $(ARGS)

lint: setup ## check style and layout with ruff, types with mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: setup ## resolve pyproject.toml into the requirements files, keeping pins that still fit (UPGRADE=1: the newest)
	sh tools/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## remove the environment, caches and dist/ (results/ stays)
	rm -rf .venv dist .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
