# Everything that people type. `make help` lists it. Each target does all that it needs, packages
# included, and does nothing twice.
.DEFAULT_GOAL := build
.PHONY: build run test check format tidy bench soak tsan pages clean help
PORT ?= 8080
MAKEFLAGS += --no-print-directory

build:  ## build/overtake, the program (default)
	@tools/run.py --build-only

run:  ## build, fetch the default model, answer a first prompt, serve on 127.0.0.1:8080 (PORT=...)
	@tools/run.py --port $(PORT)

test:  ## the gate: every check and test, from a clean clone in one go
	@tools/gate.py

check: ## before a commit: format, floors, the scripts' tests, clang-tidy on what changed
	@tools/check_format.py && tools/check_floors.py && tools/check_tidy.py

format:  ## formats the C++ files
	@tools/check_format.py --fix

pages:  ## builds web/dist anew
	@tools/check_pages.py --update

bench:  ## measures kernels, models beside a peer, the server; writes docs/performance.md
	@tools/bench.py

soak:  ## the long counts (fuzzing, damaged models), recorded in docs/reliability.md (RUNS=1000000)
	@tools/soak.py

tsan:  ## unit tests of what runs on several threads, under the thread sanitizer
	@tools/gate.py --only tsan

clean:  ## removes what was built; keeps fetched tools (.cache) and models
	@rm -rf build build-*

help:
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## */\t/' | \
	  while IFS="	" read -r name what; do printf 'make %-8s %s\n' "$$name" "$$what"; done
