package lambdaapi

import (
	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

func invalid(format string, args ...any) *apierr.Error {
	return apierr.Newf(apierr.InvalidParameterValue, format, args...)
}

// unsupported are the settings of a function that this server does not honour,
// by name, and so refuses rather than stores.
type unsupported struct {
	name string
	set  bool
}

func refuse(settings ...unsupported) error {
	for _, s := range settings {
		if s.set {
			return invalid("%s is not supported by this server; see docs/differences.md.", s.name)
		}
	}
	return nil
}

func refuseCode(c *functionCode) error {
	if c == nil {
		return nil
	}
	return refuse(
		unsupported{"Code.S3ObjectStorageMode", c.S3ObjectStorageMode != nil},
		unsupported{"Code.ImageUri", c.ImageUri != nil},
		unsupported{"Code.SourceKMSKeyArn", c.SourceKMSKeyArn != nil},
	)
}

func refuseTracing(t *tracingConfig) unsupported {
	return unsupported{"TracingConfig.Mode Active", t != nil && awsapi.Value(t.Mode) == "Active"}
}

func refuseSnapStart(s *snapStart) unsupported {
	return unsupported{"SnapStart.ApplyOn PublishedVersions", s != nil && awsapi.Value(s.ApplyOn) == "PublishedVersions"}
}

func refuseVPC(v *vpcConfig) unsupported {
	return unsupported{"VpcConfig", v != nil && (len(v.SubnetIds) > 0 || len(v.SecurityGroupIds) > 0)}
}

func refuseDeadLetter(d *deadLetterConfig) unsupported {
	return unsupported{"DeadLetterConfig.TargetArn", d != nil && awsapi.Value(d.TargetArn) != ""}
}

func refuseLogging(l *loggingConfig) error {
	if l == nil {
		return nil
	}
	return refuse(
		unsupported{"LoggingConfig.LogFormat JSON", awsapi.Value(l.LogFormat) == "JSON"},
		unsupported{"LoggingConfig.ApplicationLogLevel", l.ApplicationLogLevel != nil},
		unsupported{"LoggingConfig.SystemLogLevel", l.SystemLogLevel != nil},
		unsupported{"LoggingConfig.LogGroup", l.LogGroup != nil},
	)
}

func refuseCreate(in *createFunctionRequest) error {
	if err := refuseCode(in.Code); err != nil {
		return err
	}
	if err := refuseLogging(in.LoggingConfig); err != nil {
		return err
	}
	return refuse(
		unsupported{"PackageType Image", awsapi.Value(in.PackageType) == "Image"},
		unsupported{"PublishTo", in.PublishTo != nil},
		refuseVPC(in.VpcConfig),
		refuseDeadLetter(in.DeadLetterConfig),
		unsupported{"KMSKeyArn", in.KMSKeyArn != nil},
		refuseTracing(in.TracingConfig),
		unsupported{"Layers", len(in.Layers) > 0},
		unsupported{"FileSystemConfigs", len(in.FileSystemConfigs) > 0},
		unsupported{"CodeSigningConfigArn", in.CodeSigningConfigArn != nil},
		unsupported{"ImageConfig", in.ImageConfig != nil},
		refuseSnapStart(in.SnapStart),
		unsupported{"TenancyConfig", in.TenancyConfig != nil},
		unsupported{"CapacityProviderConfig", in.CapacityProviderConfig != nil},
		unsupported{"DurableConfig", in.DurableConfig != nil},
	)
}

func refuseUpdate(in *updateFunctionConfigurationRequest) error {
	if err := refuseLogging(in.LoggingConfig); err != nil {
		return err
	}
	return refuse(
		refuseVPC(in.VpcConfig),
		refuseDeadLetter(in.DeadLetterConfig),
		unsupported{"KMSKeyArn", awsapi.Value(in.KMSKeyArn) != ""},
		refuseTracing(in.TracingConfig),
		unsupported{"Layers", len(in.Layers) > 0},
		unsupported{"FileSystemConfigs", len(in.FileSystemConfigs) > 0},
		unsupported{"ImageConfig", in.ImageConfig != nil},
		refuseSnapStart(in.SnapStart),
		unsupported{"CapacityProviderConfig", in.CapacityProviderConfig != nil},
		unsupported{"DurableConfig", in.DurableConfig != nil},
	)
}

func refuseCodeUpdate(in *updateFunctionCodeRequest) error {
	return refuse(
		unsupported{"S3ObjectStorageMode", in.S3ObjectStorageMode != nil},
		unsupported{"ImageUri", in.ImageUri != nil},
		unsupported{"SourceKMSKeyArn", in.SourceKMSKeyArn != nil},
		unsupported{"PublishTo", in.PublishTo != nil},
	)
}

func refusePermission(in *addPermissionRequest) error {
	return refuse(
		unsupported{"EventSourceToken", in.EventSourceToken != nil},
		unsupported{"FunctionUrlAuthType", in.FunctionUrlAuthType != nil},
		unsupported{"InvokedViaFunctionUrl", in.InvokedViaFunctionUrl != nil},
		unsupported{"PrincipalOrgID", in.PrincipalOrgID != nil},
	)
}
