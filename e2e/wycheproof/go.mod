module github.com/rockpoolhq/rockpool/e2e/wycheproof

go 1.26.4

replace github.com/rockpoolhq/rockpool => ../../

require (
	github.com/c2sp/wycheproof v0.0.0-20260902155932-3fa63dd0344a
	github.com/go-json-experiment/json v1.27.2
	github.com/google/go-cmp v0.7.0
	github.com/rockpoolhq/rockpool v0.0.0
)

require (
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
