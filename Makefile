# Targets, one line each; `make` alone lists them.
.PHONY: help build check quick test fuzz generate bench demo

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

generate: ## write the generated wire types again
	go generate ./internal/cognitoapi ./internal/lambdaapi

bench: ## measure against the bounds of docs/performance.md
	go run ./bench

demo: ## the article's story, in memory
	go run ./cmd/rockpool demo
