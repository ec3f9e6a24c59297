# Every command of the project. `make` alone lists them.
#
#   ARGS="..."       further arguments for the program or for pytest     make run ARGS="--quick"
#   PYTHON=...       interpreter for the environment, 3.10 to 3.15        make run PYTHON=python3.12
#   TORCH=cpu        PyTorch's CPU wheels; TORCH=default: the registry's build. Unset: as tools/setup.sh says
#   TORCH_INDEX=...  where the CPU wheels are, if not on PyTorch's own index
#   SLOW=1           make test with the slow tests too
#   COURSE=...       a course of courses/, such as 004, or the path of your own       make student COURSE=004
#   SUBMISSIONS=...  an export of a platform, or a folder with a folder for each student, for make class
#   OUT=folder       where make class writes (default: grades)
#   SELFGRADES=...   tables that students have graded themselves in, for make class COURSE=000

BIN := .venv/bin
PY := $(BIN)/python
# Two processes share the test files out between them, in the order of their names, each with one thread: more threads
# would wait for one another (t-SNE takes ten times as long). The last option wins: ARGS="-n 0" runs all in one process,
# ARGS="-n 4" in four. --pdb needs one process, and gets it.
LANES := OMP_NUM_THREADS=1 PYTEST_XDIST_AUTO_NUM_WORKERS=2
PYTEST := $(LANES) $(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder

FOR := $(if $(COURSE),--course "$(COURSE)")
# What students of the course are given is part of what grades them.
GIVEN = $(if $(COURSE),@$(PY) -m autograder student $(FOR))

.DEFAULT_GOAL := help
.PHONY: help setup run explore test test-slow new-course student cases check-sync release handout report grade class
.PHONY: submission autograder gradescope reference-submission courses where bench audit lint lock next-term clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

setup: ## create or repair .venv (every command does it)
	@sh tools/setup.sh

run: setup ## run the whole assignment, into solution/results/
	$(PY) -m autograder run $(FOR) $(ARGS)

explore: setup ## open an explorer in a browser (ARGS=kl or latent)
	$(PY) solution/explore.py $(ARGS)

test: setup ## run the fast tests (SLOW=1: the slow ones too)
	$(PYTEST) $(if $(SLOW),,-m "not slow") $(ARGS)

test-slow: setup ## run only the slow tests
	$(PYTEST) -m slow $(ARGS)

new-course: setup ## begin a course: make new-course NAME=spring
	$(if $(NAME),,$(error say what it is called: make new-course NAME=spring))
	$(PY) -m autograder new-course "$(NAME)"

student: setup ## regenerate student/ from solution/ and tests/
	$(PY) -m autograder student $(FOR)
	@$(PY) -m autograder lacking $(FOR)

cases: setup ## rewrite tests/public/cases/, what public checks compare with
	$(PY) -m tools.store_cases

check-sync: setup ## fail if student/ is not what make student writes
	$(PY) -m autograder check-sync

release: setup ## write dist/full/student.zip
	$(PY) -m autograder release $(FOR)

handout: setup ## write dist/full/handout.pdf, the handout for print
	$(PY) -m autograder handout $(FOR)

report: setup ## write dist/full/report/, model answers, after make run
	$(PY) -m autograder report $(FOR) $(ARGS)

grade: setup ## grade one: make grade SUBMISSION=folder-or-zip
	$(if $(SUBMISSION),,$(error say what to grade: make grade SUBMISSION=folder-or-zip))
	$(GIVEN)
	$(PY) -m autograder grade "$(SUBMISSION)" --out results.json $(FOR)

class: setup ## grade a class: make class SUBMISSIONS=export
	$(if $(SUBMISSIONS)$(SELFGRADES),,$(error say what to grade: make class SUBMISSIONS=export-folder-or-zip))
	$(if $(SELFGRADES),,$(GIVEN))
	$(PY) -m autograder class $(FOR) $(if $(SELFGRADES),--selfgrades "$(SELFGRADES)","$(SUBMISSIONS)") --out "$(or $(OUT),grades)" $(ARGS)

submission: setup ## pack a folder as students do (FOLDER=student)
	$(PY) solution/submit.py --folder "$(or $(FOLDER),student)" $(ARGS)

autograder: setup ## write dist/full/autograder.zip, for Gradescope and Otter
	$(GIVEN)
	$(PY) -m autograder zip $(FOR) $(ARGS)

gradescope: setup ## try the zip: make gradescope SUBMISSION=folder
	$(if $(SUBMISSION),,$(error say what to grade: make gradescope SUBMISSION=folder-or-zip))
	$(GIVEN)
	$(PY) -m autograder gradescope $(FOR) "$(SUBMISSION)" $(ARGS)

reference-submission: setup ## write dist/full/reference.zip, a perfect submission
	$(PY) -m autograder reference-submission $(FOR)

courses: setup ## make and prove every course (ARGS="004 002")
	$(PY) -m autograder courses $(ARGS)

where: setup ## list where a task lives: make where TASK=name
	$(if $(TASK),,$(error say which task: make where TASK=kl_diag_normal))
	$(PY) -m autograder where "$(TASK)"

bench: setup ## measure training and grading, write bench.json
	OMP_NUM_THREADS=1 $(PY) -m tools.bench $(ARGS)

audit: setup ## measure how often the grader is right
	$(PY) -m autograder audit $(ARGS)

lint: setup ## check style and layout with ruff, types with mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: setup ## write requirements/ anew (UPGRADE=1: the newest)
	sh tools/lock.sh $(if $(UPGRADE),--upgrade)

next-term: setup ## make a new secret, say what a new term needs
	$(PY) -m autograder next-term

clean: ## remove .venv, caches and dist/ (results/ stays)
	rm -rf .venv dist .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
