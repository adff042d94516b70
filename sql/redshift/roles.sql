-- Generated from the catalogue by `make golden`. Do not edit.
-- Run once: Redshift has no CREATE ROLE IF NOT EXISTS.

CREATE ROLE "trunkline_analyst";

CREATE ROLE "trunkline_analyst_pii";
