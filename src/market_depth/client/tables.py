"""Columns as what notebooks work with; each library is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["to_numpy", "to_pandas", "to_polars"]

Columns = dict[str, list[Any]]

_TYPES: Final = {
    "side": "U3",
    "order_id": "U20",
    "price": "f8",
    "quantity": "f8",
    "order_count": "i8",
    "timestamp": "M8[us]",
}


def to_numpy(columns: Columns) -> NDArray[np.void]:
    """Return columns as a structured array; times are datetime64[us], UTC."""
    import numpy as np

    length = len(next(iter(columns.values())))
    array = np.zeros(length, [(name, _TYPES[name]) for name in columns])
    for name, values in columns.items():
        if name == "timestamp":
            values = [value.removesuffix("Z") for value in values]
        array[name] = values
    return array


def to_pandas(columns: Columns) -> pd.DataFrame:
    """Return columns as a DataFrame of pandas; times are of UTC."""
    import pandas as pd

    frame = pd.DataFrame(columns)
    if "timestamp" in columns:
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
    return frame


def to_polars(columns: Columns) -> pl.DataFrame:
    """Return columns as a DataFrame of Polars; times are of UTC."""
    import polars as pl

    times = {"timestamp": pl.String} if "timestamp" in columns else {}
    frame = pl.DataFrame(columns, schema_overrides=times)
    if times:
        frame = frame.with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC"))
    return frame
