"""From cases to tables: run, evaluate, records, statistics, tables, page."""
