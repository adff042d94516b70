-- Generated from the catalogue by `make golden`. Do not edit.

DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'trunkline_analyst') THEN
    CREATE ROLE "trunkline_analyst";
  END IF;
END;
$$;

DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'trunkline_analyst_pii') THEN
    CREATE ROLE "trunkline_analyst_pii";
  END IF;
END;
$$;
