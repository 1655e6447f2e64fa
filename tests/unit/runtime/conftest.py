"""eventlet and nameko warn when they are imported; here warnings are errors."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet  # noqa: F401
    import nameko.containers  # noqa: F401
