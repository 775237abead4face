package stsapi

//go:generate go run ../awsapi/gen -model model/sts.json -operations model/built.txt -package stsapi
