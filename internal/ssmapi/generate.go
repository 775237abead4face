package ssmapi

//go:generate go run ../awsapi/gen -model model/ssm.json -operations model/built.txt -package ssmapi
