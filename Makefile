# Every command of the project. `make help` lists them.
# `make demo` and `make test` do all the set-up on a fresh Debian 12 with a Rust toolchain, a C compiler and make.

SHELL := /bin/bash
.DEFAULT_GOAL := help
export CARGO_TERM_COLOR ?= auto

help: ## Lists the commands.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## Builds and starts the gateway with a page and an echo phone: http://127.0.0.1:8080/
	cargo run --locked --bin crosspoint -- demo

test: ## Installs what it lacks and runs everything that CI runs.
	@bash tools/test.sh

check: ## The inner loop: format, lints, tests without other programs.
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked

sim: ## The simulator: 2,000 seeds, or SEED=n for one.
	cargo test --locked --test suite sim -- --nocapture

scenarios: ## The ladders; UPDATE=1 rewrites what crosspoint says.
	cargo test --locked --test suite scenarios

mutations: ## Mistakes in the product, one by one: does a test notice each? (30 minutes; NAMES=word for some)
	@bash tools/mutations.sh $(NAMES)

fuzz: ## Inputs that nobody would send, for FUZZ_SECONDS (60) each parser.
	FUZZ_SECONDS=$${FUZZ_SECONDS:-60} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} \
	  cargo test --locked --test suite fuzz:: -- --nocapture

long: ## The simulator with new seeds and the fuzz targets, for LONG_MINUTES (30).
	@bash tools/long.sh

docs: ## The documentation of the code, without warnings.
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

bench: ## The figures, beside the floor (15 minutes, 2 cores); QUICK=1 for one minute.
	@ulimit -n $$(ulimit -Hn); cargo bench --locked --bench figures

interop: ## Real peers: Chromium, Asterisk, Kamailio, baresip, SIPp. Writes the matrix in interop/README.md.
	@bash interop/run.sh

.PHONY: help demo test check sim scenarios mutations fuzz long bench docs interop
