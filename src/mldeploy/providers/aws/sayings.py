"""What AWS says, in three parts: what happened, why, what to do. Only words.

The codes are those of the EC2, STS and SSM references; botocore's own classes stand for what went
wrong before or without an answer.
"""

from __future__ import annotations

from mldeploy.errors import ConfigError, FailedError, MldeployError, RefusedError
from mldeploy.providers.aws.errors import (
    DuplicateError,
    InUseError,
    MismatchError,
    NoCapacityError,
    NotThereError,
    UnknownOutcomeError,
    WouldWorkError,
)

CONSOLE = "https://console.aws.amazon.com"
# By code: the class, and the three parts. {…} is of Asked; {said} is AWS's own sentence, {quota}
# where the quota of the machine type is shown.
Parts = tuple[type[MldeployError], str, str, str]
LOGIN = "aws sso login{as_profile}   or, where you have access keys: aws configure{as_profile}"
AGAIN = "in a minute: mldeploy up   (it goes on where this one stopped)"
STALE = "try again: mldeploy up   (it is looked up anew)"
DEFAULT_NETWORK = (
    "mldeploy doctor --fix   makes it, which costs nothing; by hand: "
    "aws ec2 create-default-vpc --region {region}"
)
TABLE: dict[str, Parts] = {
    # Who we are
    "AuthFailure": (
        ConfigError, "AWS does not accept these credentials in {region}.",
        "The key is wrong or was deactivated, or {region} is not switched on in your account. "
        "{said}",
        "mldeploy doctor   tells which; a new key: aws configure{as_profile}",
    ),
    "InvalidClientTokenId": (
        ConfigError, "AWS does not know this access key in {region}.",
        "It was deleted or deactivated, or {region} is not switched on in your account. {said}",
        f"make a new key ({CONSOLE}/iam/home#/security_credentials), then: "
        "aws configure{as_profile}",
    ),
    "SignatureDoesNotMatch": (
        ConfigError, "AWS does not accept the signature of the request.",
        "The secret key is not the one of this access key, or this computer's clock is wrong. "
        "{said}",
        "mldeploy doctor   compares the clock; the key: aws configure{as_profile}",
    ),
    "ExpiredToken": (
        FailedError, "Your AWS session is over.",
        "Sessions end after some hours, and you begin another one. {said}", LOGIN,
    ),
    "RequestExpired": (
        FailedError, "AWS refused a request that is too old.",
        "This computer's clock is wrong, or the session is over. {said}",
        "mldeploy doctor   compares the clock; a new session: " + LOGIN,
    ),
    # What the account may do
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": (
        FailedError, "Your AWS account never had a spot machine, and you may not begin with it.",
        "The first one takes a role of AWS's own in the account. {said}",
        "who administers the account, once: aws iam create-service-linked-role "
        "--aws-service-name spot.amazonaws.com; or spot = false in mldeploy.toml",
    ),
    "OptInRequired": (
        FailedError, "This AWS account can't be used for {action} yet.",
        "A new account waits until its card and phone are checked; a region, or an image that "
        "somebody sells, has to be switched on. {said}",
        f"{CONSOLE}/billing/home#/account   shows what is missing and which regions are on",
    ),
    "PendingVerification": (
        FailedError, "AWS is still checking your account.",
        "That is so with new accounts, and for each region that is new to them. {said}",
        "wait for its e-mail (mostly minutes, at most four hours), then: mldeploy up",
    ),
    "Blocked": (
        FailedError, "AWS has blocked this account.",
        "Mostly a bill could not be paid, or a key was found in public. {said}",
        f"read the e-mails of AWS, and ask there: {CONSOLE}/support/home",
    ),
    "VcpuLimitExceeded": (
        RefusedError, "Your AWS account may not have a {machine_type} now: the quota is used up.",
        "{said} New accounts often have a quota of 0 for machines with a GPU.",
        "ask for more: {quota} (it takes hours to days); or another machine_type: "
        "mldeploy doctor shows what you may have",
    ),
    "InstanceLimitExceeded": (
        RefusedError, "Your AWS account may not have one more {machine_type}.",
        "As many as its quota allows are running. {said}",
        "end one (mldeploy orphans), ask for more ({quota}), or name another machine_type",
    ),
    "MaxSpotInstanceCountExceeded": (
        RefusedError, "Your AWS account may not have one more spot machine.",
        "Spot machines have quotas of their own. {said}",
        "spot = false in mldeploy.toml, or ask for more: {quota} (it takes hours to days)",
    ),
    "InvalidParameterCombination": (
        RefusedError, "AWS does not let your account have a {machine_type} like that.",
        "{said} On the Free plan only the few types of the free tier can be rented.",
        "mldeploy doctor   tells your plan, and the types that it allows",
    ),
    "VpcLimitExceeded": (
        RefusedError, "Region {region} of your account has as many networks as it may have.",
        "{said}", "delete one that nobody uses: " + CONSOLE + "/vpcconsole/home?region={region}",
    ),
    "SecurityGroupLimitExceeded": (
        RefusedError, "Your account has as many security groups in {region} as it may have.",
        "{said}", "mldeploy orphans   lists those of mldeploy; others are in the EC2 console",
    ),
    "VolumeLimitExceeded": (
        RefusedError, "Your account has as much disk in {region} as it may have.", "{said}",
        "a smaller disk in mldeploy.toml, or delete some: mldeploy orphans",
    ),
    "OperationNotPermitted": (
        RefusedError, "AWS refused {action}: somebody protected it.", "{said}",
        f"take the protection away in the console: {CONSOLE}/ec2/home, then: mldeploy down",
    ),
    # What is there now
    "InsufficientInstanceCapacity": (
        NoCapacityError, "AWS has no {machine_type} free just now.", "{said}",
        'or_machine_types = ["t3a.small", "t2.small"] in mldeploy.toml, or later: mldeploy up',
    ),
    "SpotMaxPriceTooLow": (
        NoCapacityError, "There is no spot {machine_type} at the price of an ordinary one.",
        "{said}", "spot = false in mldeploy.toml, or later: mldeploy up",
    ),
    "InsufficientFreeAddressesInSubnet": (
        NoCapacityError, "A network of your account in {region} has no address left.", "{said}",
        "end machines that you don't need: mldeploy orphans",
    ),
    "Unsupported": (
        NoCapacityError, "AWS does not offer a {machine_type} there.", "{said}",
        "mldeploy prices --region {region}   lists what there is",
    ),
    "VPCIdNotSpecified": (
        ConfigError, "Region {region} of your account has no default network.",
        "A machine stands in one, to be reached; somebody deleted yours. {said}", DEFAULT_NETWORK,
    ),
    "MissingInput": (
        ConfigError, "Region {region} of your account has no default network.",
        "A machine stands in one, to be reached; somebody deleted yours. {said}", DEFAULT_NETWORK,
    ),
    "InvalidInstanceType": (
        ConfigError, "AWS knows no machine type {machine_type}.", "{said}",
        "mldeploy prices --region {region}   lists those there are",
    ),
    "InvalidParameterValue": (
        ConfigError, "AWS refuses a value that {action} was given.", "{said}",
        "mldeploy doctor   compares machine_type, region and disk of mldeploy.toml with what "
        "there is",
    ),
    "InvalidAMIID.NotFound": (
        FailedError, "The image of the machine's system is no more.",
        "Newer ones take the place of older ones. {said}", STALE,
    ),
    "InvalidKeyPair.NotFound": (NotThereError, "The key is not there.", "{said}", STALE),
    "InvalidGroup.NotFound": (NotThereError, "The security group is not there.", "{said}", STALE),
    "InvalidInstanceID.NotFound": (NotThereError, "The machine is not there.", "{said}", STALE),
    "InvalidVolume.NotFound": (NotThereError, "The disk is not there.", "{said}", STALE),
    "InvalidAllocationID.NotFound": (NotThereError, "The address is not there.", "{said}", STALE),
    "InvalidNetworkInterfaceID.NotFound": (
        NotThereError, "The network interface is not there.", "{said}", STALE,
    ),
    "InvalidSubnetID.NotFound": (NotThereError, "The network is not there.", "{said}", STALE),
    "InvalidPermission.NotFound": (NotThereError, "That rule is not there.", "{said}", STALE),
    "ResourceNotFoundException": (
        NotThereError, "What {action} was to change is not there.", "{said}", STALE,
    ),
    "EC2InstanceStateInvalidException": (
        FailedError, "The machine lets nobody in just now.",
        "It is still starting, or is ending. {said}", "in a minute: mldeploy status",
    ),
    "ParameterNotFound": (
        ConfigError, "Region {region} does not tell its newest image.", "{said}",
        'another region, or system = "amazon" in mldeploy.toml',
    ),
    "DependencyViolation": (
        InUseError, "It is still in use.", "{said}", "in a minute: mldeploy down",
    ),
    "VolumeInUse": (
        InUseError, "The disk is still in use.", "{said}", "in a minute: mldeploy down",
    ),
    "IncorrectState": (
        InUseError, "It is changing, and can't be changed meanwhile.", "{said}",
        "in a minute: mldeploy down",
    ),
    "InvalidGroup.Duplicate": (DuplicateError, "That group is there.", "{said}", STALE),
    "InvalidKeyPair.Duplicate": (DuplicateError, "That key is there.", "{said}", STALE),
    "InvalidPermission.Duplicate": (DuplicateError, "That rule is there.", "{said}", STALE),
    "DefaultVpcAlreadyExists": (
        DuplicateError, "The default network is there.", "{said}", "mldeploy doctor",
    ),
    "ConflictException": (
        DuplicateError, "What {action} was to make is there.", "{said}", STALE,
    ),
    "IdempotentParameterMismatch": (
        MismatchError, "The same order was given before, with other particulars.", "{said}", AGAIN,
    ),
    "DryRunOperation": (
        WouldWorkError, "{action} would have been carried out.", "{said}", "mldeploy up",
    ),
    "InvalidUserData.Malformed": (
        FailedError, "AWS refuses what the machine was to be told at its first boot.", "{said}",
        "report this with the output of mldeploy --version: it is a mistake of ours",
    ),
    "InvalidBlockDeviceMapping": (
        ConfigError, "AWS refuses the disk.", "{said}",
        'disk = "100GB" in mldeploy.toml   (images for GPUs are big)',
    ),
    # Too busy
    "RequestLimitExceeded": (
        UnknownOutcomeError, "AWS has been asked too often.",
        "{action} was refused again and again; other programs in your account count too. {said}",
        AGAIN,
    ),
    "InternalError": (
        UnknownOutcomeError, "AWS itself went wrong.",
        "{action} failed on their side. {said}", AGAIN,
    ),
    "Unavailable": (
        UnknownOutcomeError, "AWS is not available just now.",
        "{action} got no answer. {said}", AGAIN,
    ),
}  # fmt: skip
SAME = {
    "ExpiredTokenException": "ExpiredToken",
    "RequestTimeTooSkewed": "RequestExpired",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "Throttling": "RequestLimitExceeded",
    "ThrottlingException": "RequestLimitExceeded",
    "TooManyRequestsException": "RequestLimitExceeded",
    "ServiceUnavailable": "Unavailable",
    "ServiceUnavailableException": "Unavailable",
    "InternalFailure": "InternalError",
    "InternalServerException": "InternalError",
    "SubscriptionRequiredException": "OptInRequired",
    "UnsupportedOperation": "Unsupported",
    "InsufficientHostCapacity": "InsufficientInstanceCapacity",
    "InsufficientCapacityOnHost": "InsufficientInstanceCapacity",
    "InsufficientReservedInstanceCapacity": "InsufficientInstanceCapacity",
    "InsufficientVolumeCapacity": "InsufficientInstanceCapacity",
    "InvalidSecurityGroupID.NotFound": "InvalidGroup.NotFound",
    "EC2InstanceNotFoundException": "InvalidInstanceID.NotFound",
    "NoSuchResourceException": "ResourceNotFoundException",
    "IncorrectInstanceState": "IncorrectState",
    "MaxIOPSLimitExceeded": "VolumeLimitExceeded",
}
DENIED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "Client.Unauthorized")

# botocore's own classes, by name: importing them here would import botocore with us. Of a class
# that is not here the nearest one above it counts.
OWN: dict[str, Parts] = {
    "NoCredentialsError": (
        ConfigError, "There are no AWS credentials here.",
        "They are looked for in the environment (AWS_ACCESS_KEY_ID), in ~/.aws and in the role of "
        "this computer.",
        "aws configure   writes them down, aws sso login begins a session; "
        "docs/first-cloud-deploy.md shows how to get the first ones",
    ),
    "PartialCredentialsError": (
        ConfigError, "Half of the AWS credentials is missing.",
        "An access key is two things: an id and a secret. {said}",
        "aws configure{as_profile}   asks for both",
    ),
    "CredentialRetrievalError": (
        FailedError, "The AWS credentials could not be fetched.",
        "A program, or this computer's role, was asked for them and gave none.",
        "aws sts get-caller-identity{as_profile}   shows what it says; or: " + LOGIN,
    ),
    "ProfileNotFound": (
        ConfigError, "There is no AWS profile of that name.", "{said}",
        "aws configure list-profiles   shows those there are; profile in mldeploy.toml and "
        "AWS_PROFILE name one",
    ),
    "ConfigParseError": (
        ConfigError, "Your AWS configuration can't be read.", "{said}",
        "mend that file, or write it anew: aws configure",
    ),
    "InvalidConfigError": (
        ConfigError, "Your AWS configuration contradicts itself.", "{said}",
        "mend ~/.aws/config, or write it anew: aws configure{as_profile}",
    ),
    "NoRegionError": (
        ConfigError, "No AWS region is chosen.", "{said}",
        'write region = "us-east-1" under the target in mldeploy.toml',
    ),
    "InvalidRegionError": (
        ConfigError, "{region} is no name of an AWS region.", "{said}",
        'write one such as region = "us-east-1" under the target in mldeploy.toml',
    ),
    "EndpointConnectionError": (
        UnknownOutcomeError, "AWS can't be reached.",
        "There is no network here, or no region called {region}. {said}",
        "try: curl -sI https://ec2.{region}.amazonaws.com   (mldeploy prices names the regions)",
    ),
    "ConnectTimeoutError": (
        UnknownOutcomeError, "AWS does not answer.",
        "There is no network here, or a firewall stands between. {said}",
        "look at your network; " + AGAIN,
    ),
    "ReadTimeoutError": (
        UnknownOutcomeError, "AWS did not answer {action} in time.", "{said}", AGAIN,
    ),
    "ConnectionClosedError": (
        UnknownOutcomeError, "The connection to AWS broke before an answer came.",
        "Nobody can say whether {action} was carried out. {said}", AGAIN,
    ),
    "ProxyConnectionError": (
        ConfigError, "The proxy on the way to AWS can't be reached.",
        "The environment names one that does not answer.",
        "look at HTTPS_PROXY: env | grep -i proxy",
    ),
    "SSLError": (
        FailedError, "The connection to AWS is not trusted.", "{said}",
        "in another network: mldeploy up; where a company's own authority stands between: "
        "export AWS_CA_BUNDLE=/path/to/it.pem",
    ),
    "ConnectionError": (
        UnknownOutcomeError, "The connection to AWS does not work.", "{said}",
        "look at your network; " + AGAIN,
    ),
    "HTTPClientError": (
        UnknownOutcomeError, "The connection to AWS does not work.",
        "Nobody can say whether {action} was carried out. {said}", AGAIN,
    ),
    "ResponseParserError": (
        UnknownOutcomeError, "What answered {action} was not AWS.",
        "Its answer can't be read. A proxy or the log-in page of a network may stand between.",
        "open https://aws.amazon.com in a browser, then: mldeploy up",
    ),
    "IncompleteReadError": (
        UnknownOutcomeError, "The connection to AWS broke within an answer.",
        "Nobody can say whether {action} was carried out. {said}", AGAIN,
    ),
    "TokenRetrievalError": (FailedError, "Your AWS session is over.", "{said}", LOGIN),
    "SSOTokenLoadError": (FailedError, "You are not logged in to AWS.", "{said}", LOGIN),
    "UnauthorizedSSOTokenError": (FailedError, "Your AWS session is over.", "{said}", LOGIN),
    "SSOError": (FailedError, "Your AWS session can't be used.", "{said}", LOGIN),
    "LoginTokenLoadError": (
        FailedError, "You are not logged in to AWS.", "{said}", "aws login{as_profile}",
    ),
    "LoginError": (FailedError, "Your AWS session is over.", "{said}", "aws login{as_profile}"),
    # Its sentence repeats the values, and among them may be the machine's private key.
    "ParamValidationError": (
        FailedError, "boto3 does not accept the particulars of {action}.",
        "This version of boto3 and this one of mldeploy do not fit together.",
        "install mldeploy again, or report it: that is a mistake of ours",
    ),
}  # fmt: skip
