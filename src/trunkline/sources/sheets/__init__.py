"""Google Sheets: a tab as a table, read whole and compared with what was read before."""
