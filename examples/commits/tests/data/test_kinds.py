import pytest

from fix_finder.data.kinds import kind_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/orders/total.py", "code"),
        ("web/App.tsx", "code"),
        ("tests/test_total.py", "tests"),
        ("src/total_test.go", "tests"),
        ("src/TotalTest.java", "tests"),
        ("src/latest.py", "code"),
        ("README.md", "docs"),
        ("docs/conf.py", "docs"),
        ("LICENSE", "docs"),
        ("pyproject.toml", "config"),
        (".github/workflows/ci.yml", "config"),
        ("Dockerfile", "config"),
        ("requirements-dev.txt", "config"),
        ("data/photo.jpg", "other"),
    ],
)
def test_the_kind_of_a_file_follows_from_its_path(path: str, kind: str) -> None:
    assert kind_of(path) == kind
