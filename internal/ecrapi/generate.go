package ecrapi

//go:generate go run ../awsapi/gen -model model/ecr.json -operations model/built.txt -package ecrapi
