"""Texts of queries; no file of its own to show."""


def warm_days(year):
    return f"""
        SELECT COUNT(*) AS days FROM seattle.weather
        WHERE temp_max > 25 AND EXTRACT(YEAR FROM date) = {year}
    """
