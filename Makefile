# Targets, one line each; `make` alone lists them.
.PHONY: help build check quick test fuzz timing generate bench demo

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## build ./bin/rockpool
	go build -o bin/rockpool ./cmd/rockpool

check: ## everything CI runs
	./scripts/test

quick: ## format, vet and unit tests only
	./scripts/test --quick

test: check ## the same as check

fuzz: ## every fuzz target for 30 seconds
	./scripts/fuzz

timing: ## does an unknown user take as long as a known one? on an idle machine, 5 minutes
	ROCKPOOL_TIMING=1 go test -count=1 -v -run ENUM_2 -timeout 20m ./internal/signin

generate: ## write the generated wire types again
	go generate ./...

bench: ## measure against the bounds of docs/performance.md
	go run ./bench

demo: ## the article's story, in memory
	go run ./cmd/rockpool demo
