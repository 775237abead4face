package s3api

import (
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// operations are the names of all operations of S3, built or not.
const operations = `
	AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateBucketMetadataConfiguration
	CreateBucketMetadataTableConfiguration CreateMultipartUpload CreateSession DeleteBucket
	DeleteBucketAnalyticsConfiguration DeleteBucketCors DeleteBucketEncryption
	DeleteBucketIntelligentTieringConfiguration DeleteBucketInventoryConfiguration DeleteBucketLifecycle
	DeleteBucketMetadataConfiguration DeleteBucketMetadataTableConfiguration DeleteBucketMetricsConfiguration
	DeleteBucketOwnershipControls DeleteBucketPolicy DeleteBucketReplication DeleteBucketTagging
	DeleteBucketWebsite DeleteObject DeleteObjectTagging DeleteObjects DeletePublicAccessBlock GetBucketAbac
	GetBucketAccelerateConfiguration GetBucketAcl GetBucketAnalyticsConfiguration GetBucketCors
	GetBucketEncryption GetBucketIntelligentTieringConfiguration GetBucketInventoryConfiguration
	GetBucketLifecycle GetBucketLifecycleConfiguration GetBucketLocation GetBucketLogging
	GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration GetBucketMetricsConfiguration
	GetBucketNotification GetBucketNotificationConfiguration GetBucketOwnershipControls GetBucketPolicy
	GetBucketPolicyStatus GetBucketReplication GetBucketRequestPayment GetBucketTagging GetBucketVersioning
	GetBucketWebsite GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectLockConfiguration
	GetObjectRetention GetObjectTagging GetObjectTorrent GetPublicAccessBlock HeadBucket HeadObject
	ListBucketAnalyticsConfigurations ListBucketIntelligentTieringConfigurations
	ListBucketInventoryConfigurations ListBucketMetricsConfigurations ListBuckets ListDirectoryBuckets
	ListMultipartUploads ListObjectVersions ListObjects ListObjectsV2 ListParts PutBucketAbac
	PutBucketAccelerateConfiguration PutBucketAcl PutBucketAnalyticsConfiguration PutBucketCors
	PutBucketEncryption PutBucketIntelligentTieringConfiguration PutBucketInventoryConfiguration
	PutBucketLifecycle PutBucketLifecycleConfiguration PutBucketLogging PutBucketMetricsConfiguration
	PutBucketNotification PutBucketNotificationConfiguration PutBucketOwnershipControls PutBucketPolicy
	PutBucketReplication PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutObject
	PutObjectAcl PutObjectLegalHold PutObjectLockConfiguration PutObjectRetention PutObjectTagging
	PutPublicAccessBlock RenameObject RestoreObject SelectObjectContent
	UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration
	UpdateObjectEncryption UploadPart UploadPartCopy WriteGetObjectResponse
`

// actions are what policies call the operations that they call otherwise.
var actions = map[string]string{
	"CompleteMultipartUpload":         "PutObject",
	"CopyObject":                      "PutObject",
	"CreateMultipartUpload":           "PutObject",
	"DeleteBucketEncryption":          "PutEncryptionConfiguration",
	"DeleteBucketLifecycle":           "PutLifecycleConfiguration",
	"DeleteBucketOwnershipControls":   "PutBucketOwnershipControls",
	"DeleteBucketTagging":             "PutBucketTagging",
	"DeleteObjects":                   "DeleteObject",
	"DeletePublicAccessBlock":         "PutBucketPublicAccessBlock",
	"GetBucketEncryption":             "GetEncryptionConfiguration",
	"GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
	"GetPublicAccessBlock":            "GetBucketPublicAccessBlock",
	"HeadBucket":                      "ListBucket",
	"HeadObject":                      "GetObject",
	"ListBuckets":                     "ListAllMyBuckets",
	"ListObjectVersions":              "ListBucketVersions",
	"ListObjects":                     "ListBucket",
	"ListObjectsV2":                   "ListBucket",
	"ListParts":                       "ListMultipartUploadParts",
	"PutBucketEncryption":             "PutEncryptionConfiguration",
	"PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
	"PutPublicAccessBlock":            "PutBucketPublicAccessBlock",
	"UploadPart":                      "PutObject",
	"UploadPartCopy":                  "PutObject",
}

// Model describes S3: its operations are told by method, path and query, in a
// front end of its own.
func Model() awsapi.Service {
	s := awsapi.Service{
		ID: "s3", SigningName: "s3", Protocol: awsapi.Own, APIVersion: "2006-03-01", Namespace: namespace,
		ValidationCode: "InvalidRequest", InternalCode: "InternalError", TooLargeCode: "EntityTooLarge", ErrorStatus: statuses,
		Skew: 15 * time.Minute,
	}
	for _, name := range strings.Fields(operations) {
		group := "objects"
		if strings.Contains(name, "Bucket") {
			group = "buckets"
		}
		s.Operations = append(s.Operations, awsapi.OperationModel{
			Name: name, Group: group, Auth: awsapi.AuthIAM, Input: name + "Request", Output: name + "Output", Action: actions[name],
		})
	}
	return s
}
