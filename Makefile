# Everything one does with this repository. `make` alone lists it.
#
# Variables: LAN=1 (run: serve the local network over HTTPS), ARGS="…" (run: more flags for `vitrine serve`),
# SEED, PLAN, COUNT (sim, sim-search: which seed, plans whose name contains this, how many seeds), SECONDS, SEED, ONLY
# (network-proof: length of a cell, the network's seed, which traces), T=pattern (e2e: only tests whose title matches; fuzz:
# which target), N, SEED, CALLS (kill-test: recordings, the moments' seed, calls at once), PROFILE (a Cargo profile; `ci` when CI is set, else `dev`).
# CARGO_TARGET_DIR is respected.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ROOT := $(CURDIR)
WEB := web-client
# Test runners that .ci/setup had to bring; what the machine has itself comes first.
export PATH := $(PATH):$(ROOT)/.tools/bin

PROFILE ?= $(if $(CI),ci,dev)
TARGET_DIR := $(or $(CARGO_TARGET_DIR),$(ROOT)/target)
BIN_DIR := $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
VITRINE := $(BIN_DIR)/vitrine

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- set-up -----------------------------------------------------------------------------------------------------

.PHONY: setup-run setup-test
setup-run:
	@.ci/setup run

setup-test:
	@.ci/setup test

# npm writes this file at the end of an installation: as new as the lock file means up to date.
$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

WEB_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' \
	-not -path '*/e2e/*' -not -path '*/test-results/*' 2>/dev/null)

$(WEB)/dist/.built: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run --silent build
	@touch $@

.PHONY: web
web: setup-run ## Build the web client into web-client/dist
	@$(MAKE) --no-print-directory $(WEB)/dist/.built

# --- run --------------------------------------------------------------------------------------------------------

.PHONY: run
run: web ## Build and start Vitrine with the demo shop (LAN=1: for phones on the local network)
	cargo build --profile $(PROFILE) --package signaling --bin vitrine
	@exec $(VITRINE) serve --demo $(if $(LAN),--lan) $(ARGS)

.PHONY: release
release: web ## One self-contained, optimised binary: target/release/vitrine
	cargo build --release --package signaling --bin vitrine

# --- test -------------------------------------------------------------------------------------------------------

# One after the other, cheapest first, so that the first red line is the one to read.
.PHONY: test
test: setup-test ## Everything CI checks, set-up included
	@$(MAKE) --no-print-directory check-tree
	@$(MAKE) --no-print-directory test-web
	@$(MAKE) --no-print-directory test-rust
	@$(MAKE) --no-print-directory test-e2e

# Licences, bans and sources always; known vulnerabilities where the advisory database is on disk already
# (`cargo deny fetch` brings it), because a test run must not depend on somebody else's server.
.PHONY: check-tree
check-tree: setup-test
	cargo fmt --all --check
	cargo deny --log-level warn check bans licenses sources
	@if ls "$${CARGO_HOME:-$$HOME/.cargo}"/advisory-dbs/* >/dev/null 2>&1; then \
		echo "cargo deny check advisories"; cargo deny --offline --log-level warn check advisories; \
	else echo "advisories: no database on this machine, not checked (cargo deny fetch)"; fi

.PHONY: test-rust
test-rust: setup-test ## Rust: clippy, tests, documentation tests
	cargo clippy --workspace --all-targets --profile $(PROFILE) -- -D warnings
	cargo nextest run --workspace --bins --lib --tests --cargo-profile $(PROFILE) --profile ci
	@# Crates without documentation tests have nothing to say.
	cargo test --workspace --doc --profile $(PROFILE) --quiet | sed '/^running 0 tests/d; /0 passed; 0 failed/d; /^$$/d'

# Whole calls on virtual time over a seeded network. The fixed seed is part of `test-rust`, each plan a test.
SIM = cargo run --quiet --profile $(PROFILE) --package sfu-sim --bin sim -- $(if $(PLAN),--plan $(PLAN))

.PHONY: sim sim-search
sim: setup-test ## Simulated calls under the fixed seed (SEED=n: replay another, PLAN=name: some, with a trace)
	$(if $(SEED)$(PLAN),$(SIM) --seed $(or $(SEED),1) $(if $(PLAN),--trace), \
		cargo nextest run --package sfu-sim --cargo-profile $(PROFILE) --profile ci)

sim-search: ## Hunt for seeds that break a plan (SEED=first, COUNT=how many, else until interrupted)
	$(SIM) --seed $(or $(SEED),$(shell date +%s)) --search $(or $(COUNT),0)

.PHONY: test-web
test-web: $(WEB)/node_modules/.package-lock.json ## Web client: lint, types, unit tests, build, size
	cd $(WEB) && npm run --silent check
	cd $(WEB) && npm run --silent test
	@$(MAKE) --no-print-directory $(WEB)/dist/.built

# The binary comes out of the same invocation as the tests: the same features, so nothing is compiled twice.
$(VITRINE): FORCE
	cargo build --workspace --bins --tests --examples --profile $(PROFILE)
FORCE:

.PHONY: test-e2e e2e
test-e2e: $(WEB)/dist/.built $(VITRINE)
	cd $(WEB) && VITRINE_BIN=$(VITRINE) npx playwright test --config e2e/playwright.config.ts $(if $(T),--grep "$(T)")

e2e: setup-test test-e2e ## Real calls in real browsers (T=pattern for some of them)

.PHONY: kill-test
kill-test: setup-test ## Recordings through SIGKILL at random moments, each probed and decoded (N=1000 SEED=7 CALLS=10)
	KILL_RECORDINGS=$(or $(N),20) KILL_SEED=$(or $(SEED),1) KILL_CALLS=$(CALLS) \
		cargo test --profile $(PROFILE) --package signaling --test kill -- --nocapture

.PHONY: network-proof
network-proof: setup-test $(WEB)/dist/.built $(VITRINE) ## Calls over bad networks, measured, as a table (SECONDS=60 SEED=1 ONLY=trace,…)
	cd $(WEB) && VITRINE_BIN=$(VITRINE) npx playwright test --config e2e/proof/playwright.config.ts network.proof.ts

.PHONY: screenshots
screenshots: setup-test $(WEB)/dist/.built $(VITRINE) ## Pictures of every screen into e2e-artifacts/
	cd $(WEB) && SCREENSHOTS=1 VITRINE_BIN=$(VITRINE) \
		npx playwright test --config e2e/playwright.config.ts screens review replay search export

# libFuzzer wants its eyes in the code. These flags put them there with a stable compiler; `cargo fuzz` passes the same.
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares
FUZZ_DIR := $(TARGET_DIR)/fuzz
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
FUZZ_DRIVER := $(FUZZ_DIR)/$(HOST)/release/vitrine-fuzz-driver

.PHONY: fuzz fuzz-build
fuzz: fuzz-build ## Attack one parser with libFuzzer (T=name of a target, FOR=seconds, 600 if not told)
	@test -d "fuzz/corpus/$(T)" || { echo "T must be one of: $$(ls fuzz/corpus | tr '\n' ' ')"; exit 2; }
	@mkdir -p $(FUZZ_DIR)/found/$(T) fuzz/regressions/$(T)
	FUZZ_TARGET=$(T) $(FUZZ_DRIVER) -max_total_time=$(or $(FOR),600) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix=fuzz/regressions/$(T)/ $(FUZZ_DIR)/found/$(T) fuzz/corpus/$(T)
	@rmdir --ignore-fail-on-non-empty fuzz/regressions/$(T)

fuzz-build:
	@# With --target the flags stay away from build scripts.
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --release --manifest-path fuzz/driver/Cargo.toml --target $(HOST) --target-dir $(FUZZ_DIR)

# --- work -------------------------------------------------------------------------------------------------------

.PHONY: protocol
protocol: ## Regenerate web-client/src/protocol.ts from the Rust types
	UPDATE_PROTOCOL=1 cargo test --profile $(PROFILE) --package vitrine-protocol --quiet

.PHONY: fmt
fmt: $(WEB)/node_modules/.package-lock.json ## Format Rust and TypeScript
	cargo fmt --all
	cd $(WEB) && npm run --silent format
