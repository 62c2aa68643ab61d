"""Codes of rows and files in words for people."""

from __future__ import annotations

from flask_babel import gettext as _


def reject(code: str) -> str:
    """Why a row was left out."""
    return {
        "missing_name": _("There is no name in this row."),
        "missing_phone": _("There is neither a phone number nor a valid e-mail address."),
        "invalid_phone": _("This is not a phone number that can be reached."),
        "phone_missing_area_code": _("The phone number lacks its area code (DDD)."),
        "phone_scientific_notation": _("The spreadsheet rounded this phone number; some digits are lost."),
    }.get(code, code)


def warning(code: str) -> str:
    """What was repaired, or left out, without losing the person."""
    return {
        "ninth_digit_added": _("The ninth digit was added to an old mobile number."),
        "several_numbers": _("There were several numbers in the cell; the first usable one was taken."),
        "invalid_email": _("The e-mail address is not valid and was left out."),
        "name_shortened": _("The name was longer than 200 characters and was cut."),
        "extra_cells": _("The row had more cells than the header; they were ignored."),
        "spreadsheet_error": _("There were errors of formulas such as #N/D; they were left out."),
        "fixed_line": _("The number is a fixed line, which receives no text messages."),
    }.get(code, code)


def failure(code: str, row: int | None = None) -> str:
    """Why a file could not be imported, and what to do."""
    sentence = {
        "not_a_csv": _("This is not a CSV file. In your spreadsheet, choose “Save as” and then CSV."),
        "not_an_xlsx": _(
            "This is not an Excel workbook (.xlsx), or it is damaged. Save it again, or as CSV."
        ),
        "unpacks_too_large": _("This workbook unpacks to far more than it may. Save the rows as CSV."),
        "file_empty": _("There are no rows in this file."),
        "file_too_large": _("The file is larger than 200 MiB. Split it and import the parts."),
        "too_many_rows": _("The file has more than 5 million rows. Split it and import the parts."),
        "too_many_columns": _("A row has more than 200 columns."),
        "cell_too_large": _(
            "A cell is longer than 100 KiB. Perhaps a quotation mark is opened and never closed."
        ),
        "row_too_large": _("A row is longer than 2 MiB. Perhaps the line breaks are missing."),
        "header_not_mapped": _("The first row does not say which column holds the phone number."),
        "file_gone": _("The file was changed or removed after it was confirmed. Upload it again."),
        "list_gone": _("The list was deleted meanwhile."),
        "internal_error": _("Something went wrong on our side."),
    }.get(code, code)
    return sentence if row is None else _("%(sentence)s It is row %(row)s.", sentence=sentence, row=row)


def mapping(code: str, column: str = "") -> str:
    """Why columns cannot be told apart."""
    if code == "unknown_column":
        return _("The file has no column “%(column)s”.", column=column)
    return _(
        "No column could be recognised as phone or e-mail. The first row must name the columns, "
        "for instance: Nome; Telefone; E-mail."
    )
