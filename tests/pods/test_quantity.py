from __future__ import annotations

from decimal import Decimal

import pytest

from lab.pods.quantity import QuantityError, parse_quantity


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1024Ki", "1Mi"),
        ("64Mi", "64Mi"),
        ("0.5Ki", "512"),
        ("1500", "1500"),
        ("2000", "2k"),
        ("1e3", "1e3"),
        ("7E", "7E"),
        ("0", "0"),
        ("-5", "-5"),
        ("0.0000000001", "1n"),
        ("100G", "100G"),
    ],
)
def test_a_quantity_is_written_canonically(text: str, canonical: str) -> None:
    assert str(parse_quantity(text)) == canonical


def test_quantities_compare_by_amount_whatever_their_suffix() -> None:
    assert parse_quantity("1024Mi") == parse_quantity("1Gi")
    assert parse_quantity("1G") < parse_quantity("1Gi")
    assert parse_quantity("250m").value == Decimal("0.25")


@pytest.mark.parametrize("text", ["", "64MB", "1.2.3", "abc", "1 Gi", "1Ki2", "true", "9" * 100])
def test_what_is_no_quantity_is_refused_in_the_apis_words(text: str) -> None:
    with pytest.raises(QuantityError, match="quantities must match the regular expression"):
        parse_quantity(text)
