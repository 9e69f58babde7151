"""`prices update`: two ways to read a price list, and what is refused. No account is asked."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from mldeploy.cli.main import run
from mldeploy.errors import ConfigError, FailedError, Interrupted, RefusedError
from mldeploy.prices import RegionPrices, Size, Table, aws_api, aws_file, table
from mldeploy.prices.files import read_region, users_folder, write_region, write_sizes
from mldeploy.prices.listed import Listed, Offer, collect, size_of
from mldeploy.prices.update import judged, update

TODAY = date(2026, 11, 20)
T3 = Size("t3.small", 2, 2 * 1024**3, "x86_64")
GPU = Size("g5.xlarge", 4, 16 * 1024**3, "x86_64", "1 x NVIDIA A10G, 22 GB")
KNOWN = {"t3.small": T3, "g5.xlarge": GPU}
SMALL = {
    "instanceType": "t3.small",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "operation": "RunInstances",
    "marketoption": "OnDemand",
}
NEW = SMALL | {
    "instanceType": "m99g.large",
    "vcpu": "2",
    "memory": "1,952.5 GiB",
    "physicalProcessor": "AWS Graviton9 Processor",
}
GP3 = {"productFamily": "Storage", "volumeApiName": "gp3"}
IPV4 = {"group": "VPCPublicIPv4Address", "usagetype": "EU-PublicIPv4:InUseAddress"}
# The columns of AmazonEC2/current/<region>/index.csv that are read, among some that are not.
COLUMNS = [
    "SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "EffectiveDate",
    "StartingRange", "EndingRange", "Unit", "PricePerUnit", "Currency", "RelatedTo",
    "LeaseContractLength", "PurchaseOption", "OfferingClass", "Product Family", "serviceCode",
    "Location", "Location Type", "Instance Type", "Current Generation", "Instance Family", "vCPU",
    "Physical Processor", "Clock Speed", "Memory", "Storage", "Network Performance",
    "Processor Architecture", "Storage Media", "Volume Type", "Tenancy", "EBS Optimized",
    "Operating System", "License Model", "Group", "Group Description", "usageType", "operation",
    "CapacityStatus", "GPU", "GPU Memory", "MarketOption", "Pre Installed S/W", "Region Code",
    "serviceName", "Volume API Name",
]  # fmt: skip
SMALL_ROW = {
    "TermType": "OnDemand", "Unit": "Hrs", "PricePerUnit": "0.0208000000", "Currency": "USD",
    "Product Family": "Compute Instance", "Instance Type": "t3.small", "vCPU": "2",
    "Physical Processor": "Intel Skylake E5 2686 v5", "Memory": "2 GiB", "Tenancy": "Shared",
    "Operating System": "Linux", "operation": "RunInstances", "CapacityStatus": "Used",
    "MarketOption": "OnDemand", "Pre Installed S/W": "NA", "usageType": "BoxUsage:t3.small",
}  # fmt: skip
GP3_ROW = {
    "TermType": "OnDemand", "Unit": "GB-Mo", "PricePerUnit": "0.0800000000", "Currency": "USD",
    "Product Family": "Storage", "Volume API Name": "gp3",
}  # fmt: skip
OTHER_ROWS = [
    SMALL_ROW | {"Operating System": "Windows", "PricePerUnit": "0.0392"},
    SMALL_ROW | {"Tenancy": "Dedicated", "PricePerUnit": "0.0229"},
    SMALL_ROW | {"Tenancy": "Host", "PricePerUnit": "0"},
    SMALL_ROW | {"Pre Installed S/W": "SQL Std", "PricePerUnit": "0.2"},
    SMALL_ROW | {"CapacityStatus": "UnusedCapacityReservation"},
    SMALL_ROW | {"CapacityStatus": "AllocatedCapacityReservation", "PricePerUnit": "0"},
    SMALL_ROW | {"TermType": "Reserved", "PricePerUnit": "110", "Unit": "Quantity"},
    SMALL_ROW | {"TermType": "Reserved", "PricePerUnit": "0.013", "LeaseContractLength": "1yr"},
    SMALL_ROW | {"Currency": "CNY", "PricePerUnit": "0.2"},
    SMALL_ROW | {"MarketOption": "CapacityBlock", "PricePerUnit": "9"},
    SMALL_ROW | {"operation": "RunInstances:0004", "PricePerUnit": "0.3"},
    GP3_ROW | {"Unit": "GiBps-mo", "PricePerUnit": "40.96"},
    GP3_ROW | {"Volume API Name": "gp2", "PricePerUnit": "0.10"},
]


def quiet(_: str) -> None:
    pass


def price_list(*rows: dict[str, str], columns: list[str] = COLUMNS) -> bytes:
    """A file as AWS writes it: five lines about it, the names of the columns, quoted cells."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [
            ["FormatVersion", "v1.0"],
            ["Disclaimer", 'This pricing list is for informational purposes only, all "prices"…'],
            ["Publication Date", "2026-11-20T18:21:44Z"],
            ["Version", "20261120182144"],
            ["OfferCode", "AmazonEC2"],
            columns,
            *([row.get(column, "") for column in columns] for row in rows),
        ]
    )
    return text.getvalue().encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return users_folder("aws")


class Server:
    """Answers every path of ``files``; ``short`` bytes of each are left out at the end."""

    def __init__(self) -> None:
        self.files: dict[str, Callable[[], Iterator[bytes]] | bytes] = {}
        self.short = 0
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = ours.files.get(self.path)
                if found is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                if isinstance(found, bytes):
                    self.send_header("Content-Length", str(len(found)))
                    self.end_headers()
                    self.wfile.write(found[: len(found) - ours.short])
                    return
                self.end_headers()
                for part in found():
                    self.wfile.write(part)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, region: str, content: Callable[[], Iterator[bytes]] | bytes) -> None:
        self.files[f"/offers/v1.0/aws/AmazonEC2/current/{region}/index.csv"] = content

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


# What a list says


def test_one_price_of_many_is_what_people_mean() -> None:
    others = [
        SMALL | {"operatingSystem": "Windows"},
        SMALL | {"tenancy": "Dedicated"},
        SMALL | {"preInstalledSw": "SQL Web"},
        SMALL | {"capacitystatus": "UnusedCapacityReservation"},
        SMALL | {"marketoption": "CapacityBlock"},
        SMALL | {"operation": "RunInstances:0010"},
    ]
    offers = [
        Offer(SMALL, "Hrs", "0.0208000000"),
        *(Offer(other, "Hrs", "7") for other in others),
        Offer(SMALL, "Quantity", "7"),
        Offer(SMALL, "Hrs", "0.0000000000"),
        Offer(SMALL, "Hrs", "NA"),
        Offer(GP3, "GB-Mo", "0.0800000000"),
        Offer(GP3, "IOPS-Mo", "0.005"),
        Offer(IPV4, "Hrs", "0.0050000000"),
        Offer(IPV4 | {"usagetype": "EU-PublicIPv4:IdleAddress"}, "Hrs", "0.007"),
    ]

    listed = collect("us-east-1", TODAY, offers, KNOWN)

    assert listed.machines == {"t3.small": Decimal("0.0208")}
    assert listed.sizes == {"t3.small": T3}
    assert (listed.disk, listed.address) == (Decimal("0.08"), Decimal("0.005"))


def test_a_type_that_is_new_brings_its_size_along() -> None:
    listed = collect("us-east-1", TODAY, [Offer(NEW, "Hrs", "0.1")], KNOWN)

    assert listed.sizes["m99g.large"] == Size(
        "m99g.large", 2, int(Decimal("1952.5") * 1024**3), "aarch64"
    )


@pytest.mark.parametrize("gap", ["vcpu", "memory", "physicalProcessor"])
def test_a_new_type_whose_size_is_not_told_is_left_out_and_named(gap: str) -> None:
    listed = collect("us-east-1", TODAY, [Offer(NEW | {gap: "NA"[: gap != "physicalProcessor"]},
                                                "Hrs", "0.1")], KNOWN)  # fmt: skip

    assert listed.machines == {}
    assert listed.unknown == ("m99g.large",)


def test_gpus_are_named_by_their_family_or_counted() -> None:
    has = NEW | {"physicalProcessor": "AMD EPYC", "gpu": "4"}
    ours, nobodys = size_of(has | {"instanceType": "g5.99xlarge"}, KNOWN), size_of(has, KNOWN)

    assert ours is not None
    assert ours.gpu == "4 x NVIDIA A10G, 22 GB"
    assert nobodys is not None
    assert nobodys.gpu == "4 x GPU"


# The Pricing API


def product(attributes: dict[str, str], price: str, unit: str = "Hrs") -> str:
    """One text of a PriceList, in the form of the real ones."""
    sku, family = "2DCU7R2BA29KKVRK", attributes.get("productFamily", "Compute Instance")
    dimension = {
        "unit": unit, "endRange": "Inf", "description": "", "appliesTo": [],
        "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7", "beginRange": "0",
        "pricePerUnit": {"USD": price},
    }  # fmt: skip
    term = {
        "priceDimensions": {dimension["rateCode"]: dimension}, "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z", "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }  # fmt: skip
    reserved = {"priceDimensions": {"x": dimension | {"pricePerUnit": {"USD": "0.001"}}}}
    return json.dumps(
        {
            "product": {"productFamily": family, "attributes": attributes, "sku": sku},
            "serviceCode": "AmazonEC2",
            "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}, "Reserved": {"r": reserved}},
            "version": "20261120182144",
            "publicationDate": "2026-11-20T18:21:44Z",
        }
    )


def test_all_pages_of_the_api_are_read() -> None:
    client = boto3.client("pricing", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    said: list[str] = []

    def asked(service: str, **wanted: str) -> dict[str, Any]:
        filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in wanted.items()]
        return {"ServiceCode": service, "Filters": filters, "FormatVersion": "aws_v1"}

    machines = asked(
        "AmazonEC2", regionCode="eu-west-1", operatingSystem="Linux", tenancy="Shared",
        preInstalledSw="NA", capacitystatus="Used",
    )  # fmt: skip
    disks = asked("AmazonEC2", regionCode="eu-west-1", productFamily="Storage", volumeApiName="gp3")
    addresses = asked("AmazonVPC", regionCode="eu-west-1", group="VPCPublicIPv4Address")
    with Stubber(client) as stub:
        first = {"PriceList": [product(SMALL, "0.0208000000")], "NextToken": "more"}
        stub.add_response("get_products", first, machines)
        second = {"PriceList": [product(NEW, "0.1000000000")]}
        stub.add_response("get_products", second, machines | {"NextToken": "more"})
        disk = {"PriceList": [product({"volumeApiName": "gp3", "productFamily": "Storage"},
                                      "0.0880000000", "GB-Mo")]}  # fmt: skip
        stub.add_response("get_products", disk, disks)
        stub.add_response("get_products", {"PriceList": [product(IPV4, "0.0050000000")]}, addresses)
        listed = aws_api.read_with(client, "eu-west-1", KNOWN, said.append)
        stub.assert_no_pending_responses()

    assert listed.machines == {"t3.small": Decimal("0.0208"), "m99g.large": Decimal("0.1")}
    assert (listed.disk, listed.address) == (Decimal("0.088"), Decimal("0.005"))
    assert listed.dated == TODAY
    assert "2 products of AmazonEC2 in eu-west-1" in said


@pytest.mark.parametrize(
    ("code", "hint"),
    [("AccessDeniedException", "pricing:GetProducts"), ("InternalErrorException", "Internal")],
)
def test_a_refusal_of_the_api_names_the_permission_and_the_other_way(
    code: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("pricing", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(aws_api, "_client", lambda _: client)
    with Stubber(client) as stub:
        stub.add_client_error("get_products", code, "no")
        with pytest.raises(FailedError) as caught:
            aws_api.read("eu-west-1", KNOWN, quiet)

    assert hint in caught.value.why
    assert caught.value.do == "mldeploy prices update --without-credentials --region eu-west-1"


def test_without_credentials_the_api_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(FailedError) as caught:
        aws_api.read("eu-west-1", KNOWN, quiet)

    assert caught.value.code == "no-credentials"
    assert "--without-credentials" in caught.value.do


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [("eu-west-1", "eu-central-1"), ("ap-south-2", "ap-south-1"), ("us-west-2", "us-east-1"),
     ("sa-east-1", "us-east-1"), ("me-central-1", "eu-central-1")],
)  # fmt: skip
def test_the_nearest_of_the_three_endpoints_is_asked(region: str, endpoint: str) -> None:
    assert aws_api._client(region).meta.region_name == endpoint


# The public file


def test_of_a_file_only_the_prices_that_people_mean_are_read(server: Server) -> None:
    server.serve("us-east-1", price_list(*OTHER_ROWS, SMALL_ROW, GP3_ROW, *OTHER_ROWS))

    listed = aws_file.read("us-east-1", KNOWN, quiet, server.url)

    assert listed.machines == {"t3.small": Decimal("0.0208")}
    assert listed.disk == Decimal("0.08")
    assert listed.dated == TODAY


def test_a_file_is_read_in_bounded_memory_and_says_how_far_it_is(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_file, "SAY_EVERY", 0.0)
    block = price_list(*[SMALL_ROW | {"TermType": "Reserved"}] * 500).split(b"SKU")[-1]
    block = block.split(b"\n", 1)[1]

    def parts() -> Iterator[bytes]:
        yield price_list(SMALL_ROW, GP3_ROW)
        for _ in range(25_000_000 // len(block)):
            yield block

    server.serve("us-east-1", parts)
    said: list[str] = []
    tracemalloc.start()
    try:
        listed = aws_file.read("us-east-1", KNOWN, said.append, server.url)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert listed.machines == {"t3.small": Decimal("0.0208")}
    assert most < 8_000_000  # bytes, of 25 million
    assert said[-1] == "25 MB of the price list read"


def test_a_file_that_breaks_off_is_not_believed(server: Server) -> None:
    server.short = 10
    server.serve("us-east-1", price_list(SMALL_ROW, GP3_ROW))

    with pytest.raises(FailedError, match="could not be read") as caught:
        aws_file.read("us-east-1", KNOWN, quiet, server.url)

    assert "broke off" in caught.value.why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no line of column names"),
        (b"<html>come back later</html>\n", "no line of column names"),
        (price_list(SMALL_ROW, columns=[c for c in COLUMNS if c != "Tenancy"]), "lacks Tenancy"),
        (b'"SKU","TermType"\n', "lacks"),
        (b"\xff\xfe\x00\n", "no price list that we know"),
        (price_list(SMALL_ROW).replace(b"2026-11-20T", b"yesterday T"), "no price list"),
    ],
)
def test_what_is_no_price_list_is_refused(server: Server, content: bytes, why: str) -> None:
    server.serve("us-east-1", content)

    with pytest.raises(FailedError) as caught:
        aws_file.read("us-east-1", KNOWN, quiet, server.url)

    assert why in caught.value.why


def test_a_region_without_a_file_and_a_server_that_is_not_there(server: Server) -> None:
    with pytest.raises(FailedError) as missing:
        aws_file.read("us-est-1", KNOWN, quiet, server.url)
    with pytest.raises(FailedError) as silent:
        aws_file.read("us-east-1", KNOWN, quiet, "http://127.0.0.1:9")
    with pytest.raises(FailedError) as plain:
        aws_file.read("us-east-1", KNOWN, quiet, "http://example.org")

    assert "404" in missing.value.why
    assert "Is that the name of a region?" in missing.value.why
    assert "Connection refused" in silent.value.why
    assert "over https" in plain.value.why


# What is refused, and what stays


def listed(**changes: Any) -> Listed:
    made: dict[str, Any] = {
        "region": "us-east-1",
        "dated": TODAY,
        "machines": {"t3.small": Decimal("0.0208")},
        "sizes": {"t3.small": T3},
        "disk": Decimal("0.08"),
        "address": Decimal("0.005"),
    }
    return Listed(**(made | changes))


BEFORE = RegionPrices(
    "us-east-1", date(2026, 1, 1), "a list", Decimal("0.08"), Decimal("0.005"),
    {"t3.small": Decimal("0.02")},
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"machines": {}}, "no machine at all there"),
        ({"machines": {"t3.small": Decimal("0.21")}}, "t3.small would cost 0.21 instead of 0.02"),
        ({"machines": {"t3.small": Decimal("0.0019")}}, "by more than 10 times"),
        ({"disk": Decimal(8)}, "gp3 would cost 8 instead of 0.08"),
        ({"address": Decimal("0.5")}, "an address would cost 0.5"),
    ],
)
def test_a_list_that_cannot_be_right_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedError) as caught:
        judged(listed(**changes), BEFORE, "a list")

    assert why in caught.value.why


def test_what_a_list_does_not_say_stays_as_it_was() -> None:
    after = judged(listed(disk=None, address=None), BEFORE, "a newer list")

    assert (after.disk, after.address) == (BEFORE.disk, BEFORE.address)
    assert (after.dated, after.source) == (TODAY, "a newer list")
    with pytest.raises(RefusedError, match="cannot be right"):
        judged(listed(disk=None), None, "a newer list")


def test_a_new_list_takes_over_and_says_what_changed(folder: Path) -> None:
    new = {"t3.small": Decimal("0.03"), "t3.micro": Decimal("0.01"), "m99g.large": Decimal(1)}
    sizes = {n: Size(n, 2, 2 * 1024**3, "x86_64") for n in new}
    found = listed(machines=new, sizes=sizes)

    [done] = update("aws", ["us-east-1"], "a list", lambda *_: found)

    assert (done.types, done.new, done.dearer, done.cheaper) == (3, 1, 1, 1)
    assert done.gone > 300
    assert table("aws").price("us-east-1", "m99g.large", 20).source == "a list"
    assert table("aws").size("eu-west-1", "t3.small").memory == 2 * 1024**3
    assert sorted(path.name for path in folder.iterdir()) == ["sizes.csv", "us-east-1.csv"]


def test_an_older_list_does_not_take_over(folder: Path) -> None:
    found = listed(dated=date(2020, 1, 1))

    [done] = update("aws", ["us-east-1"], "a list", lambda *_: found)

    assert not done.replaced
    assert not folder.exists()


def test_a_refused_list_leaves_the_one_before(folder: Path) -> None:
    write_sizes(folder, [T3])
    path = write_region(folder, BEFORE, KNOWN)

    found = listed(machines={"t3.small": Decimal(5)})
    with pytest.raises(RefusedError):
        update("aws", ["us-east-1"], "a list", lambda *_: found)

    assert read_region(path) == BEFORE


def test_interrupted_each_region_has_its_old_table_or_its_new_one(folder: Path) -> None:
    def read(region: str, known: Any) -> Listed:
        if region == "eu-west-1":
            raise KeyboardInterrupt
        return listed()

    with pytest.raises(Interrupted, match="new prices of us-east-1 are in place"):
        update("aws", ["us-east-1", "eu-west-1"], "a list", read)
    with pytest.raises(Interrupted, match="The prices are as they were"):
        update("aws", ["eu-west-1"], "a list", read)

    assert table("aws").in_region("us-east-1").dated == TODAY
    assert table("aws").in_region("eu-west-1").dated < TODAY


@pytest.mark.parametrize("region", ["../../x", "us-east-1/..", "eu", "", "US-EAST-1"])
def test_what_is_no_region_name_makes_no_address_and_no_file(folder: Path, region: str) -> None:
    with pytest.raises(ConfigError):
        update("aws", [region], "a list", lambda *_: listed())

    assert not folder.exists()


def test_prices_without_sizes_are_left_out(folder: Path) -> None:
    sizes = {"m99g.large": Size("m99g.large", 2, 1024**3, "aarch64")}
    there = RegionPrices("us-east-1", TODAY, "a list", Decimal("0.08"), Decimal("0.005"),
                         {"m99g.large": Decimal(1)})  # fmt: skip
    write_region(folder, there, sizes)

    found: Table = table("aws")

    assert found.sizes("us-east-1") == []


# As typed


def test_update_from_the_file_as_typed(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MLDEPLOY_PRICE_LIST", server.url)
    server.serve("eu-west-1", price_list(SMALL_ROW | {"PricePerUnit": "0.0300000000"}, GP3_ROW))

    code = run(["prices", "update", "--region", "eu-west-1", "--without-credentials", "--json"])

    [done] = json.loads(capsys.readouterr().out)["regions"]
    assert code == 0
    assert (done["region"], done["dated"], done["types"]) == ("eu-west-1", "2026-11-20", 1)
    assert Path(done["path"]) == folder / "eu-west-1.csv"

    assert run(["prices", "t3.small", "--region", "eu-west-1"]) == 0
    assert "0.0300" in capsys.readouterr().out


def test_a_refused_update_ends_with_3(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MLDEPLOY_PRICE_LIST", server.url)
    server.serve("us-east-1", price_list(SMALL_ROW | {"PricePerUnit": "5"}, GP3_ROW))

    assert run(["--json", "prices", "-C", ".", "update", "--without-credentials"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "prices-implausible"
    assert not folder.exists()


def test_prices_as_typed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prices", "--gpu", "--memory", "16GB", "--max", "0.6", "--cpus", "4", "--json"]

    assert run(words) == 0

    answer = json.loads(capsys.readouterr().out)
    assert (answer["provider"], answer["region"], answer["disk_gb"]) == ("aws", "us-east-1", 20)
    assert answer["machines"][0] == {
        "type": "g4dn.xlarge",
        "cpus": 4,
        "memory_bytes": 16 * 1024**3,
        "architecture": "x86_64",
        "gpu": "1 x NVIDIA T4, 16 GB",
        "machine_per_hour": "0.5260",
        "price_per_hour": "0.5332",
        "price_per_day": "12.80",
        "price_per_month": "389.23",
    }
    assert all(Decimal(one["price_per_hour"]) <= Decimal("0.6") for one in answer["machines"])


def test_the_cheapest_are_shown_and_the_rest_is_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["prices"])
    short = capsys.readouterr().out
    run(["prices", "--all"])
    long = capsys.readouterr().out
    run(["prices", "t3"])
    family = capsys.readouterr().out

    assert "311 more: mldeploy prices --all" in short
    assert "g5.48xlarge" in long
    assert "more:" not in long
    assert [line.split()[0] for line in family.splitlines()[1:8]] == [
        "t3.nano", "t3.micro", "t3.small", "t3.medium", "t3.large", "t3.xlarge", "t3.2xlarge",
    ]  # fmt: skip
    assert "2025-03-02" in family


@pytest.mark.parametrize(
    ("words", "what", "do"),
    [
        (["t3.smal"], "t3.smal", "mldeploy prices update --region us-east-1"),
        (["--region", "us-est-1"], "us-est-1", "mldeploy prices --region"),
        (["--max", "cheap"], "0.10", "mldeploy prices --help"),
        (["--memory", "much"], "8GB", "mldeploy prices --help"),
        (["--provider", "gcp"], "gcp", "mldeploy prices --provider aws"),
        (["--region", "us-east-1", "update"], "update", "mldeploy prices --help"),
    ],
)
def test_wrong_words_end_with_2_and_the_next_command(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], what: str, do: str
) -> None:
    assert run(["prices", *words, "--json"]) == 2

    error = json.loads(capsys.readouterr().out)["error"]
    assert what in error["what"]
    assert do in error["do"]


def test_the_region_is_that_of_the_environment(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    run(["prices", "t3.small", "--json"])

    assert json.loads(capsys.readouterr().out)["region"] == "eu-central-1"
