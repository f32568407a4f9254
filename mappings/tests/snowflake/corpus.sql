-- activation: a column not for activation
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a column not for activation, renamed in a stage
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "s" AS (
    SELECT "c"."person" AS "person",
           "c"."segment" AS "segment"
    FROM "airlock_customers" AS "c"
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "s"."segment" AS "segment",
           "s"."person" AS "airlock_entity_0"
    FROM "s" AS "s"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "s"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a column not for activation, in CASE
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "c"."region" = 'north'
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: two columns joined into one
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a match key
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: the other side's match key
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "person",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."person" AS "person",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a computed column
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "s",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."s" AS "s"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a constant that marks the run
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "mark",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."mark" AS "mark"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a parameter that marks the run
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "c"."segment" AS "mark",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."mark" AS "mark"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: LIMIT
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "r"."section" = 'sport'
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: OFFSET
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "r"."section" = 'politics'
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: ORDER BY
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "r"."section" IN ('sport', 'culture')
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: GROUP BY
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "c"."segment" AS "segment",
           "r"."reader" AS "reader",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."segment" AS "segment",
         "a"."reader" AS "reader"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: HAVING
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE TRUE
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: FETCH
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "r"."section" <> 'sport'
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: an aggregate
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "r"."section" IS NOT NULL
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: DISTINCT
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "c"."segment" = 'new'
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a star
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0",
           "r"."person" AS "airlock_entity_1"
    FROM "airlock_readers" AS "r"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_customers" AS "r"
      LEFT JOIN (
        SELECT "airlock_readers"."person__email" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__email" IS NOT NULL
        GROUP BY "airlock_readers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_readers"."person__phone" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__phone" IS NOT NULL
        GROUP BY "airlock_readers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "c" ON "r"."person" = "c"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000 AND COUNT(DISTINCT "airlock_audience"."airlock_entity_1") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: not matched at all
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: all customers, matched or not
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."airlock_person" AS "airlock_entity_0",
           "c"."person" AS "airlock_entity_1"
    FROM "airlock_readers" AS "r"
    LEFT JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_customers" AS "r"
      LEFT JOIN (
        SELECT "airlock_readers"."person__email" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__email" IS NOT NULL
        GROUP BY "airlock_readers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_readers"."person__phone" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__phone" IS NOT NULL
        GROUP BY "airlock_readers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "c" ON "r"."person" = "c"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000 AND COUNT(DISTINCT "airlock_audience"."airlock_entity_1") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: one person by key
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "c"."person" IS NOT NULL
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: one person in a subquery
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "c"."segment" IN ('new', 'loyal')
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a per-entity value
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "v" AS (
    SELECT "r"."person" AS "person"
    FROM "airlock_readers" AS "r"
    GROUP BY "r"."person"
  ), "airlock_audience" AS (
    SELECT "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0",
           "v"."person" AS "airlock_entity_1"
    FROM "v" AS "v"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_customers" AS "r"
      LEFT JOIN (
        SELECT "airlock_readers"."person__email" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__email" IS NOT NULL
        GROUP BY "airlock_readers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_readers"."person__phone" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__phone" IS NOT NULL
        GROUP BY "airlock_readers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "c" ON "v"."person" = "c"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000 AND COUNT(DISTINCT "airlock_audience"."airlock_entity_1") >= 1000
  )
  SELECT DISTINCT "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: chosen by a per-entity value
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "v" AS (
    SELECT "r"."person" AS "person"
    FROM "airlock_readers" AS "r"
    WHERE "r"."section" = 'sport'
    GROUP BY "r"."person"
  ), "airlock_audience" AS (
    SELECT "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0",
           "v"."person" AS "airlock_entity_1"
    FROM "v" AS "v"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_customers" AS "r"
      LEFT JOIN (
        SELECT "airlock_readers"."person__email" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__email" IS NOT NULL
        GROUP BY "airlock_readers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_readers"."person__phone" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__phone" IS NOT NULL
        GROUP BY "airlock_readers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "c" ON "v"."person" = "c"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000 AND COUNT(DISTINCT "airlock_audience"."airlock_entity_1") >= 1000
  )
  SELECT DISTINCT "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: a stage that lost the entity
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "v" AS (
    SELECT "r"."person" AS "person",
           "r"."reader" AS "reader"
    FROM "airlock_readers" AS "r"
  ), "airlock_audience" AS (
    SELECT "v"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0",
           "v"."person" AS "airlock_entity_1"
    FROM "v" AS "v"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_customers" AS "r"
      LEFT JOIN (
        SELECT "airlock_readers"."person__email" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__email" IS NOT NULL
        GROUP BY "airlock_readers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_readers"."person__phone" AS "k",
               MIN("airlock_readers"."person") AS "id"
        FROM "airlock_readers"
        WHERE "airlock_readers"."person__phone" IS NOT NULL
        GROUP BY "airlock_readers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "c" ON "v"."person" = "c"."airlock_person"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000 AND COUNT(DISTINCT "airlock_audience"."airlock_entity_1") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: to a receiver that the rule leaves out
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE "c"."segment" = 'lapsed'
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: data without a rule for activation
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE ("c"."segment" = 'loyal' AND "r"."section" = 'sport')
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: two receivers' union
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "airlock_audience" AS (
    SELECT "r"."reader" AS "reader",
           "c"."segment" AS "segment",
           "c"."person" AS "airlock_entity_0"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
    WHERE ("c"."region" = 'south' OR "r"."section" = 'sport')
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."reader" AS "reader",
         "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- activation: rows under the class of aggregates
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT "c"."segment" AS "segment",
       "r"."section" AS "section",
       COUNT(DISTINCT "c"."person") AS "people"
FROM "airlock_customers" AS "c"
JOIN (
  SELECT "r".*,
         COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
  FROM "airlock_readers" AS "r"
  LEFT JOIN (
    SELECT "airlock_customers"."person__email" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__email" IS NOT NULL
    GROUP BY "airlock_customers"."person__email"
  ) AS "m0" ON "r"."person__email" = "m0"."k"
  LEFT JOIN (
    SELECT "airlock_customers"."person__phone" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__phone" IS NOT NULL
    GROUP BY "airlock_customers"."person__phone"
  ) AS "m1" ON "r"."person__phone" = "m1"."k"
) AS "r" ON "c"."person" = "r"."airlock_person"
GROUP BY "c"."segment", "r"."section"
HAVING COUNT(DISTINCT "c"."person") >= 100 AND COUNT(DISTINCT "r"."person") >= 20

-- activation: released rows as an audience
-- Shares: an activation: a share has no receivers, and rows of single entities don't leave it
BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS
  ), "g" AS (
    SELECT "c"."person" AS "person",
           "c"."segment" AS "segment",
           "r"."person" AS "airlock_own_1"
    FROM "airlock_customers" AS "c"
    JOIN (
      SELECT "r".*,
             COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
      FROM "airlock_readers" AS "r"
      LEFT JOIN (
        SELECT "airlock_customers"."person__email" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__email" IS NOT NULL
        GROUP BY "airlock_customers"."person__email"
      ) AS "m0" ON "r"."person__email" = "m0"."k"
      LEFT JOIN (
        SELECT "airlock_customers"."person__phone" AS "k",
               MIN("airlock_customers"."person") AS "id"
        FROM "airlock_customers"
        WHERE "airlock_customers"."person__phone" IS NOT NULL
        GROUP BY "airlock_customers"."person__phone"
      ) AS "m1" ON "r"."person__phone" = "m1"."k"
    ) AS "r" ON "c"."person" = "r"."airlock_person"
  ), "airlock_audience" AS (
    SELECT "g"."segment" AS "segment",
           "g"."person" AS "airlock_entity_0"
    FROM "g" AS "g"
  ), "airlock_size" AS (
    SELECT COUNT(*) AS "rows"
    FROM "airlock_audience"
    HAVING COUNT(DISTINCT "airlock_audience"."airlock_entity_0") >= 1000
  )
  SELECT DISTINCT "a"."segment" AS "segment"
  FROM "airlock_audience" AS "a"
  CROSS JOIN "airlock_size";
  RETURN 'subject';
END

-- before-the-threshold: HAVING per entity
-- in a share: sha256:a3ce51e5499331f38c6222e6c3733ffa1880848245a6d504ff4fdb02f084129b
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."n" AS "n",
       COUNT(DISTINCT "per"."household") AS "people"
FROM "per" AS "per"
GROUP BY "per"."n"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: ORDER BY per entity
-- in a share: sha256:647c656866733ba3ec7aad1e3118fbb1b8032c36460b7774566168c1f9d872c4
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."n" AS "n",
       COUNT(*) AS "people"
FROM "per" AS "per"
GROUP BY "per"."n"
HAVING COUNT(DISTINCT "per"."household") >= 100
ORDER BY "n" ASC NULLS LAST

-- before-the-threshold: LIMIT per entity
-- in a share: sha256:107bf12f6706d070460532707e958bd3fa1c5fe06901286bded0224a781eb6d5
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."n" AS "n",
       COUNT(*) AS "people"
FROM "per" AS "per"
GROUP BY "per"."n"
HAVING COUNT(DISTINCT "per"."household") >= 100
LIMIT 99

-- before-the-threshold: OFFSET per entity
-- in a share: sha256:134739b9fbe0737f4f73910a8eff28369b22dd6f1543b9ce5db93069920857ed
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."n" AS "n",
       COUNT(*) AS "people"
FROM "per" AS "per"
GROUP BY "per"."n"
HAVING COUNT(DISTINCT "per"."household") >= 100
ORDER BY "n" ASC NULLS LAST
LIMIT NULL
OFFSET 1

-- before-the-threshold: LIMIT in a derived table of rows
-- in a share: sha256:1a5100e7912e1128d351b40470b2f18eada591fd4d5c76f416a8c2e82a91ad0b
)
SELECT COUNT(*) AS "n"
FROM (
  SELECT "t"."household" AS "household"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
HAVING COUNT(DISTINCT "x"."household") >= 100
LIMIT 100

-- before-the-threshold: ORDER BY in a derived table of rows
-- in a share: sha256:a1b4d2886b3c1eed640f344720e29b51a45335c7432ee99e2110abcd29d7eab0
)
SELECT "x"."week" AS "week",
       COUNT(*) AS "n"
FROM (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
GROUP BY "x"."week"
HAVING COUNT(DISTINCT "x"."household") >= 100
ORDER BY "week" ASC NULLS LAST

-- before-the-threshold: FETCH per entity
-- in a share: sha256:fd492a15939db1269d6eaa3f122f2bc0607953eeaf07b242c8bb36807731285c
), "per" AS (
  SELECT "t"."household" AS "household"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT COUNT(*) AS "people"
FROM "per" AS "per"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: TOP per entity
-- in a share: sha256:6907785da92754f2602b66f5ccbdf45dd287d532ba39b8fa74a7d11910c24bdf
), "per" AS (
  SELECT "t"."household" AS "household"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT COUNT(DISTINCT "per"."household") AS "people"
FROM "per" AS "per"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: WHERE on a per-entity count
-- in a share: sha256:9a474719b930bffa768d37a607c21b8c7b806527287171ea24e85cbbc3b121f0
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."n" > 3 AS "often",
       COUNT(DISTINCT "per"."household") AS "people"
FROM "per" AS "per"
GROUP BY "per"."n" > 3
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: WHERE on a per-entity sum
-- in a share: sha256:ae4ff18330af8e4ae0e101a98c56d0b01aa6d4e2a3775d7a05803a8c3fa62f1d
), "per" AS (
  SELECT "t"."household" AS "household",
         SUM("t"."amount") AS "s"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT CASE WHEN "per"."s" > CAST(1000 AS FLOAT) THEN 'much' ELSE 'little' END AS "spent",
       COUNT(*) AS "people"
FROM "per" AS "per"
GROUP BY CASE WHEN "per"."s" > CAST(1000 AS FLOAT) THEN 'much' ELSE 'little' END
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: WHERE on a per-entity maximum
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
), "per" AS (
  SELECT "t"."household" AS "household",
         MAX("t"."price") AS "p"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT FLOOR(("per"."p" / CAST(NULLIF(100, 0) AS FLOAT))) AS "bucket",
       COUNT(*) AS "people"
FROM "per" AS "per"
GROUP BY FLOOR(("per"."p" / CAST(NULLIF(100, 0) AS FLOAT)))
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: WHERE on a bucket
-- in a share: sha256:dec48337679f998a18742c3cc4ea11cca3c9abfa5cdc8a8f42489517e8256edd
), "per" AS (
  SELECT "t"."household" AS "household",
         CASE WHEN COUNT(*) > 3 THEN 1 ELSE 0 END AS "often"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."often" AS "often",
       COUNT(*) AS "people"
FROM "per" AS "per"
GROUP BY "per"."often"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: a per-entity value in a join
-- in a share: sha256:50fd1163219b7a01bbaf3f9016a858c2ce0b03af39a8f3fd22c1cf6d5cb527f2
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "e"."campaign" AS "campaign",
       COUNT(DISTINCT "per"."household") AS "m"
FROM "per" AS "per"
JOIN "airlock_exposures" AS "e" ON "per"."household" = "e"."household"
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: a window over rows
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       ROW_NUMBER() OVER (ORDER BY "w"."week" ASC NULLS LAST) AS "r"
FROM "w" AS "w"

-- before-the-threshold: a window beside groups
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "c"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       SUM("w"."c") OVER () AS "n"
FROM "w" AS "w"

-- before-the-threshold: a window over entities
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
), "g" AS (
  SELECT "per"."n" AS "n",
         COUNT(*) AS "people"
  FROM "per" AS "per"
  GROUP BY "per"."n"
  HAVING COUNT(DISTINCT "per"."household") >= 100
)
SELECT "g"."n" AS "n",
       RANK() OVER (ORDER BY "g"."people" ASC NULLS LAST) AS "r"
FROM "g" AS "g"

-- before-the-threshold: QUALIFY
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
), "r" AS (
  SELECT "w"."week" AS "week",
         "w"."n" AS "n",
         ROW_NUMBER() OVER (ORDER BY "w"."week" ASC NULLS LAST) AS "r"
  FROM "w" AS "w"
)
SELECT "r"."week" AS "week",
       "r"."n" AS "n"
FROM "r" AS "r"
WHERE "r"."r" = 1

-- before-the-threshold: SELECT DISTINCT
-- in a share: sha256:0542bda130cce275178d4e54140c4f4d598150a949f4716301530a7f14375a6d
)
SELECT "t"."week" AS "week"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: DISTINCT ON
-- in a share: sha256:6bcaf9d99dfbc1e5eb06462a6ec80823b5f69909ad2d8f5c57c2aa61a5bacaf4
)
SELECT "t"."week" AS "week",
       COUNT(DISTINCT "t"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
LIMIT 10

-- before-the-threshold: DISTINCT over groups
-- in a share: sha256:a7b3af387cb2b0ee2f3f58d5253962e9a9c459c13a38f486f1803c4039f5dd7f
)
SELECT "t"."week" AS "week",
       "e"."campaign" AS "campaign",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week", "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: rows as they are
-- in a share: sha256:5e611a04ad09059b36bd54537605b9f93f32478df79a7afb76c027b61ed8df10
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: rows as they are, with LIMIT
-- in a share: sha256:73a8c1f7921f4920b806a9ff09dad8657b0f3748956305ee12056b2b89ad03a5
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
LIMIT 1

-- before-the-threshold: one row an entity
-- in a share: sha256:2844a989f6ab77725a341da4b0acfe37db723e9c2e98d212b3117786616b8e28
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."n" AS "n",
       COUNT(*) AS "m"
FROM "per" AS "per"
GROUP BY "per"."n"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- before-the-threshold: LIMIT by group
-- in a share: sha256:5d826bfa6c81d27dffaf8830cdcdd38fb9d0d7eb71716655dc885f21ccf538ab
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "n" DESC NULLS LAST
LIMIT 5
OFFSET 5

-- before-the-threshold: LIMIT by a parameter
-- in a share: sha256:9b9d0cef1f9dd42af0422c0d097bd1e49c69ea56a2d081360feb6c7b0b5d3570
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" >= CAST({{ from_week }} AS NUMBER(38, 0))
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
LIMIT 53

-- before-the-threshold: FETCH of groups with ties
-- in a share: sha256:d1729adf07d6f222714859402d736c5a7724f167d8ff66ceafe0fa920b466add
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "n" ASC NULLS LAST
LIMIT 2

-- before-the-threshold: a malformed date behind AND
-- in a share: sha256:449a3b8fbd81ceef6c283f6121a501671251648671002096c7360957898c0f36
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("t"."week" = 5 AND "t"."sold_on" > TO_DATE('2026-01-31', 'YYYY-MM-DD'))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: an impossible DATE behind CASE
-- in a share: sha256:fa57df2972e691807a70dfa5ea4b309b63e5f9fa029d80176e76932d2192ed28
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE CASE WHEN "t"."week" = 5 THEN "t"."sold_on" > TO_DATE('2026-02-28', 'YYYY-MM-DD') ELSE TRUE END
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: a time out of the engine's range
-- in a share: sha256:6536a119acd95549395efcb054ba7b8c89057a847bbfc0d05a5b0a16d263708d
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."sold_on" > TO_DATE('2001-01-01', 'YYYY-MM-DD')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: a computed time truncated
-- in a share: sha256:b5cae803c2fe212ddfaac9e03fc5003830fa23e4916d3b1e0fe5d12f7123f85d
)
SELECT DATE_TRUNC('month', "t"."sold_on") AS "m",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY DATE_TRUNC('month', "t"."sold_on")
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: a number as a time
-- in a share: sha256:d90716586b0be0590dc20eab70aa8775915ffb799bebca80382b7c7b32cbfed6
)
SELECT CAST("t"."sold_on" AS TIMESTAMP_NTZ(9)) AS "x",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY CAST("t"."sold_on" AS TIMESTAMP_NTZ(9))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- before-the-threshold: places of rounding from data
-- in a share: sha256:55ebeaa4fb19c00561bf1dbab85f2e60d2ced1fc3017647c1a98010b65a12894
)
SELECT ROUND(CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END * 100) / 100 AS "x",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = 5
HAVING COUNT(DISTINCT "t"."household") >= 100

-- datasets: a table of the room
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- datasets: the physical schema
-- in a share: sha256:8f15bce2f0e887a7890a8cd65ea39d2fc236feec06473bb8a03240871a6d5831
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "e"

-- datasets: the catalogue's tables
-- in a share: sha256:0db78f3a39460169f7c4f315facb84f735d3e7c85a1c94619be4f0db7a7b8432
)
SELECT "exposures"."campaign" AS "campaign",
       COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
GROUP BY "exposures"."campaign"

-- datasets: the catalogue's columns
-- in a share: sha256:5750c211fbef2fc523372d7e5b6cd17a92ccaa78faa8c2808dc055eae34265a1
)
SELECT "exposures"."campaign" AS "column_name",
       COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
GROUP BY "exposures"."campaign"

-- datasets: a file by its path
-- in a share: sha256:ec09a51d6e2988fa7073dd323cb35d043f9e25994f984ac1d5448af2afa4ec19
)
SELECT COUNT(DISTINCT "exposures"."household") AS "n"
FROM "airlock_exposures" AS "exposures"

-- datasets: a quoted path
-- in a share: sha256:4ffa48d922515a1f9066c029f41aeb7bc19115948c62158c5f3823211e9ed15d
)
SELECT SUM("exposures"."cost") AS "n"
FROM "airlock_exposures" AS "exposures"

-- datasets: an address
-- in a share: sha256:7ce29288996cf87e6772cd7cf14b046bef716ce09e531af9a2fc5fd0fa088238
)
SELECT COUNT(DISTINCT "exposures"."campaign") AS "n"
FROM "airlock_exposures" AS "exposures"

-- datasets: a function that reads files
-- in a share: sha256:f0ae4414280a52af0ae5b72c9f9e6fd98d4e7ba767e2eea39e6d96c519b96e79
)
SELECT COUNT(*) AS "n"
FROM (
  SELECT "exposures"."household" AS "household"
  FROM "airlock_exposures" AS "exposures"
) AS "read_parquet"

-- datasets: a series of numbers
-- in a share: sha256:582d9e3538760f8c1e720ed5e98ea673d1cc6a0c647adca1d78be10720512a8b
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" BETWEEN 1 AND 1000000

-- datasets: an unnested list
-- in a share: sha256:96acb06311f26caafa0cba45520ebe6105d7b1805ee2d335256bc57b6b6acf3f
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" IN (1, 2, 3)

-- datasets: TABLE of a function
-- in a share: sha256:43277bdb19998470600f535ba628f4ebd1af8ddb2779ff738f1e01230857872a
)
SELECT COUNT(*) AS "table_rows"
FROM "airlock_exposures" AS "exposures"

-- datasets: a lateral derived table
-- in a share: sha256:901e08d4d17f52ead3c3d2f2900f5678fd4fed2ebb9e77e0649d2def8bfdc46e
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN (
  SELECT "e"."household" AS "household",
         "e"."campaign" AS "campaign"
  FROM "airlock_exposures" AS "e"
) AS "x" ON "t"."household" = "x"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- datasets: a lateral join
-- in a share: sha256:94f8eef8127b2321f9bb4d0eed4eb94ca08a18601cc9545aeb3a66532510ad12
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN (
  SELECT "e"."household" AS "household"
  FROM "airlock_exposures" AS "e"
) AS "x" ON "t"."household" = "x"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- datasets: a sample
-- in a share: sha256:8c6c53a3c87f91d2824d0232a93a737e5c8a18de4774b27376e975b4b62348a7
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE ("exposures"."campaign" % NULLIF(100, 0)) = 1

-- datasets: another version
-- in a share: sha256:5e8a502cf28f7d09224e2879aedd8b2985a6e4af3c97ca1fae75db56f2fb7a2e
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."sold_on" <= TO_DATE('2020-01-01', 'YYYY-MM-DD')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- datasets: a pivot
-- in a share: sha256:f4efc151d1d8b1abfd892898fb26f3bde7b91f4355b09afa2863aecbcd2fc3b5
)
SELECT "exposures"."campaign" AS "campaign",
       COUNT(DISTINCT "exposures"."household") AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" IN (1, 2)
GROUP BY "exposures"."campaign"

-- datasets: no relation at all
-- in a share: sha256:80601ee1b4dcff3a1276210f3eb73f2ab7aacd16ac76d6a81e9130a1fabf5a47
)
SELECT 1 AS "one",
       COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- datasets: a parameter as a relation
-- in a share: sha256:321d6d4aa2f9e6958d9002cc87f7ba058fcf46b6fac50f8d1b3768a82c115274
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = CAST({{ from_week }} AS NUMBER(38, 0))

-- datasets: a derived table without a name
-- in a share: sha256:83baff03617af24f3c52d199faa178743a7e450b7c5e0dc8beb52d2636bdfdf3
)
SELECT COUNT(*) AS "n"
FROM (
  SELECT "exposures"."household" AS "household"
  FROM "airlock_exposures" AS "exposures"
) AS "d"

-- datasets: columns renamed by the alias
-- in a share: sha256:8f15bce2f0e887a7890a8cd65ea39d2fc236feec06473bb8a03240871a6d5831
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "e"

-- functions: a file read
-- in a share: sha256:b3d22261715b3c7c5f7cc27093d834ab64230770d12109b938230161345e9f36
)
SELECT LOWER('X') AS "f",
       "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a random number
-- in a share: sha256:a62321ed6b5ab6f06b97beb8d9c4471a82da097912244f5f1ec1ca67fdd47dba
)
SELECT ROUND(CAST(2.5 AS FLOAT)) AS "f",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a random filter
-- in a share: sha256:241636cd7552975288fe3b04a9c8cdb4ab0a18140b461ffe6f454b82820b758b
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" < 26
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a random name
-- in a share: sha256:de3aa852b061e800c61deda4c577e5582e34df1b5f0886caf6193c52798ac5d4
)
SELECT 'u' AS "u",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the version
-- in a share: sha256:bd9f6dcee93b3f7228bef1cf2bfc942677d75f3c8cf41c58c32265c77816eebe
)
SELECT 'v1' AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the time now
-- in a share: sha256:0b3e6f4675ca2b3668242d0aea4032f9f24f60903c5fc7565573026a3f233674
)
SELECT TO_DATE('2026-01-01', 'YYYY-MM-DD') AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the date today
-- in a share: sha256:780fa6120ebf65ba15eac29a13c0178af33a51a19c6ffdcb8f82805c218cad5b
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."sold_on" = TO_DATE('2026-01-02', 'YYYY-MM-DD')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the timestamp
-- in a share: sha256:aadbfbef8bbea6726f9eb55a7526597d43d458b5e6a0827be3ca99706003e0da
)
SELECT TO_TIMESTAMP_NTZ('2026-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS') AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the user
-- in a share: sha256:0e0c9c8446a6d1a382867445497bb1192a5ed2d365d3c040f4def2639ca368fe
)
SELECT 'brand' AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a setting
-- in a share: sha256:77fe1439bc2a57668f97060fce82945c0a9e4a2c778fc357aa2f87b9fd4b6d1c
)
SELECT 'set' AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the type of a column
-- in a share: sha256:e4fea4fb1e5c9dd57c649084a0eeb7e09c9204b58e527230328b62feb541597c
)
SELECT ABS(GREATEST_IGNORE_NULLS("t"."week", -9223372036854775807)) AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ABS(GREATEST_IGNORE_NULLS("t"."week", -9223372036854775807))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a pause
-- in a share: sha256:050a9cf31708848c614233636b675d4256ff4c1168570e054e365c75a00745e0
)
SELECT 10 AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: an error on purpose
-- in a share: sha256:7736c6ff25ea397abb8bf6034c6c7a243d96d9c362ce58856ecf7a7aceaa0613
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE CASE WHEN "t"."week" = 5 THEN FALSE ELSE TRUE END
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a list of all values
-- in a share: sha256:ce14c93ac19977b5f4a93fb298679c705ad13de3e9c0baa9a2004bb62940b743
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."week" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "t"."week") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a text of all values
-- in a share: sha256:be1b62a4d58e00cee0bd7a9bc5a7f425630675d47da16a4c34f47943f5f1f435
)
SELECT "s"."age" AS "age",
       COUNT(*) AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
GROUP BY "s"."age"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: any value
-- in a share: sha256:09adcc9ad577afda73543836875616454c43a821373ffe43ca2911808bbc361b
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the first value
-- in a share: sha256:ea0653b84b3a3b53c6e756331c95db6631a70808a139206b2b0bb17e575e0122
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "week" ASC NULLS LAST
LIMIT 1

-- functions: the last value
-- in a share: sha256:fca383392accb685a9c288133c15b5505e9f698980de9308a63c8faa13221cf0
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "week" DESC NULLS LAST
LIMIT 1

-- functions: the value at a place
-- in a share: sha256:57fbf3ec4c641b212ff33aba6776430bba832e677bcba6adb0ef17029d3b5194
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "week" ASC NULLS LAST
LIMIT 1
OFFSET 2

-- functions: the median
-- in a share: sha256:7a5e72763330e7e1e5214cad3c17e0d44b05a8abf0a543683450928522a1be8c
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "centre"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a percentile
-- in a share: sha256:76792a8110a5cfe6b9bcbb9a9300e72ae0ff31f0732e0c6ed588071005158120
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "v",
       CASE WHEN COUNT(DISTINCT CASE WHEN ("t"."amount" * "t"."amount") IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM(("t"."amount" * "t"."amount")) END AS "squares"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a percentile within a group
-- in a share: sha256:dfca093afd38a5765aa1e50990dd4458dc78321c7d5af836f6a55e90786e7eb6
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the standard deviation
-- in a share: sha256:e0a8a06ff17f83977e2f040f3b7765c80122e707eae995c7e36bbd5b282e4f7e
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN ("t"."amount" * "t"."amount") IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM(("t"."amount" * "t"."amount")) END AS "squares",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "total",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: an approximate distinct count
-- in a share: sha256:e4247392eb04952224003e5cea94d85e26860fe9f257d38429d148a2967d7b7f
)
SELECT COUNT(DISTINCT "t"."household") AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: bits of all values
-- in a share: sha256:93029230998c42f3b5235a842b66c2b98f128a684e3ce724b7c788ba13f34107
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: whether any is true
-- in a share: sha256:f628181fa8299db50f723f3d5a4df617627eb4111624ec3b8643ca0a032b09f6
)
SELECT "t"."week" = 5 AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week" = 5
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the row with the most
-- in a share: sha256:17aba751f08287ef1d462da8ea499a5b2e118a7e88d2460f669b89a4b02fb8b2
)
SELECT "t"."week" AS "v",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "amount"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY 2 DESC NULLS LAST
LIMIT 1

-- functions: grouping of totals
-- in a share: sha256:80e7df71a390e7886fca20076bfa3e16e4b35677eb392fbe54279b76ad802715
)
SELECT "t"."week" AS "week",
       0 AS "g",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: an expression of regular kind
-- in a share: sha256:beed60b5f3c038d4afc617654ba7a4b7549b3c8a1557c870114de3e86632d7f6
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE "s"."age" LIKE 'a%'
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: SIMILAR TO
-- in a share: sha256:96e1b016f05029fd039312ef9be24e6374293b9ffa2f054684e18acbb5ee948c
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE ("s"."age" LIKE '1%' OR "s"."age" LIKE '2%')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: ILIKE
-- in a share: sha256:63b2d0a2daaf58e052c4cd5feabdfac67363276f1773f5132611024c6279a89c
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE LOWER("s"."age") LIKE 'a%'
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: an operator of regular kind
-- in a share: sha256:61d3ff424afa5149065543d536adb18454e58540d7ae810567aa01cde8c2c85d
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE SUBSTR("s"."age", 1, 1) = '1'
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: LIKE with a pattern from data
-- in a share: sha256:96bf8f7a7452199f674ee42cac580b8b8e0a2f1d41a51128152f79dba61da1e1
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE "s"."age" LIKE '25'
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a pattern too long for the engine, behind AND
-- in a share: sha256:a456dae5eb68e6e1b00fdb734a99b0f92ebdb0dcfd40bf0dc93cfdb1ef5290f2
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE ("t"."week" = 5 AND "s"."age" LIKE '__-__')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a list of columns
-- in a share: sha256:31a8e5cbca1715f8477c2163dd3884693d37d4f616585cb0ebc963ce00a25e22
)
SELECT "t"."week" AS "v",
       "e"."campaign" AS "w",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week", "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a struct of columns
-- in a share: sha256:52c2d70d8a1a547663dafd8f4acd9317cc14ca749cdd6cd66cab6e9483adec65
)
SELECT LEAST_IGNORE_NULLS("t"."week", 52) AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY LEAST_IGNORE_NULLS("t"."week", 52)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a field of JSON
-- in a share: sha256:5f8696b41ceb176be9c2c4b498b60cf30001c1fc9f8d542b1f593aca5c87d016
)
SELECT UPPER("s"."age") AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
GROUP BY UPPER("s"."age")
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: an element of a list
-- in a share: sha256:19a1afc7de47f7291e09609f16bbdeee97e643f47ad81ee3727b6431ed6545c4
)
SELECT ("t"."week" * 1) AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ("t"."week" * 1)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: another time zone
-- in a share: sha256:79dc0fc95f5bed9d2329f222764dd3bc7b1a170541d6b4289b408755d92fe597
)
SELECT DAYOFWEEKISO("t"."sold_on") % 7 AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY DAYOFWEEKISO("t"."sold_on") % 7
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a second of the day
-- in a share: sha256:26339dc317ec71a190e91ebd26c5faaa9bad06155c1847b22147da5bd681ab9a
)
SELECT EXTRACT(QUARTER FROM "t"."sold_on") AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY EXTRACT(QUARTER FROM "t"."sold_on")
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: an interval
-- in a share: sha256:41863358ad86a151d404c20350f7c374a218094d776097ee6dc9af3f0c133644
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."sold_on" > TO_DATE('2025-12-31', 'YYYY-MM-DD')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: IS DISTINCT FROM
-- in a share: sha256:fb77dea8866de0b1d614aa5172682db2e6b7b7d288877952b5beb4d0868a56ac
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("t"."week" <> 5 OR "t"."week" IS NULL)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a text of escapes
-- in a share: sha256:1115dc22f91b5f4adf224a560d76c47127964e8fd99e9754f1b91ab2adacf8eb
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE "s"."age" = 'A'
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: bits
-- in a share: sha256:24947acc01fc1064bfc9d6177e319c5ddcf7440334f848795b1b2ec1004a9034
)
SELECT ("t"."week" % NULLIF(2, 0)) AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ("t"."week" % NULLIF(2, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a function of a schema
-- in a share: sha256:ba81abcd09d749713786650c8c7d6e8d14174ce630c9015e167e42d93efd2d4b
)
SELECT 'v' || '1' AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: ODBC brackets
-- in a share: sha256:73805dfa8d4ea64e913239717f5842774731d3a20ef1a4958fd185e8bb52ef1a
)
SELECT LOWER('X') AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a named argument
-- in a share: sha256:3cd5788c7cec5e94ae2da89b805f9a31149de19e746c1a2a0735c0017446dfe1
)
SELECT UPPER('x') AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: a lambda
-- in a share: sha256:e3de440e75394988709b54eb9a5cc6efdd8ce48537ccf93e9854034d8ae39993
)
SELECT ("t"."week" + 1) AS "v",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ("t"."week" + 1)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: NULLs treated apart
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN MAX("t"."price") END AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: what is left of a measure
-- in a share: sha256:84e710aeb48143ad3309a6f47ed17ec5758c095f0d5b9f65368ea7de7adebda8
)
SELECT CEIL((CAST("t"."week" AS FLOAT) / CAST(NULLIF(4, 0) AS FLOAT))) AS "c",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY CEIL((CAST("t"."week" AS FLOAT) / CAST(NULLIF(4, 0) AS FLOAT)))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- functions: the least of what one entity has
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "sales"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT MIN("w"."sales") AS "least"
FROM "w" AS "w"

-- functions: margins of a key
-- in a share: sha256:ae9432a3b046661b6c5ce2b43bb7d4af51819b401e744473878d20352a901072
)
SELECT LTRIM(RTRIM("s"."age", ' '), ' ') AS "age",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
GROUP BY LTRIM(RTRIM("s"."age", ' '), ' ')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: of a row filter
-- in a share: sha256:591b367f2ca894d9c78fdf13fa7edca8a69437b5fe8d5eb8b5336161737ae815
)
SELECT "e"."campaign" AS "campaign",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: of the source under a key
-- in a share: sha256:5e611a04ad09059b36bd54537605b9f93f32478df79a7afb76c027b61ed8df10
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: of the consent
-- in a share: sha256:71c211966c36f58537e3070a49422181c31c1de53f55e85090ebf1580c76fc05
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."store" = 12
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: of the consent, in a derived table
-- in a share: sha256:9c08a9cc00f8fa7fe905e376f725839dc317f27f3cdc132c405c233a2a58bc7b
)
SELECT "x"."week" AS "week",
       COUNT(*) AS "n"
FROM (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
GROUP BY "x"."week"
HAVING COUNT(DISTINCT "x"."household") >= 100

-- hidden-columns: a star
-- in a share: sha256:1b0542fa47e96507b8f5ca2329380c384eed2b0b1517535657826aa94ca9cb1d
)
SELECT COUNT(*) AS "everything"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a star of one relation
-- in a share: sha256:cf7d461dd65bd1727303d59b750e9fa262fb8742b53c7a5286e7bf51214adc6d
)
SELECT "t"."week" AS "week",
       "t"."sold_on" AS "sold_on",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week", "t"."sold_on"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a star without a column
-- in a share: sha256:f90644b17350a35d9da8aeadd0ac0f1a869213328adb7d9892908e08a278b42d
)
SELECT COUNT(*) AS "n",
       CASE WHEN COUNT(DISTINCT CASE WHEN "e"."campaign" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "e"."campaign") END AS "campaigns"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a star with a replacement
-- in a share: sha256:71f679f569e35da9869eb356c5cad516a3be835e17f75da0f4dbcad62c3e1d22
)
SELECT 1 AS "household",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a star with a new name
-- in a share: sha256:451e04f45cb1c8722fd212dd4f917b1a20edf53542c0588f876733f4f61a69c8
)
SELECT COUNT(DISTINCT "t"."household") AS "h"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a star in a stage
-- in a share: sha256:198f528f47bd8e5681c2807037559a77d45fbda0b5244fbbd27a8095c082cec6
), "a" AS (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT COUNT(*) AS "n"
FROM "a" AS "a"
HAVING COUNT(DISTINCT "a"."household") >= 100

-- hidden-columns: a star of a stage's row
-- in a share: sha256:83bf66ffc7feca480fba35094eac4afd356644f8f9122add22b2116637f9341d
), "a" AS (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT "a"."week" AS "week",
       COUNT(*) AS "n"
FROM "a" AS "a"
GROUP BY "a"."week"
HAVING COUNT(DISTINCT "a"."household") >= 100

-- hidden-columns: a whole row counted
-- in a share: sha256:d912810a4b91be14c691e2c06b1d3a45dbaeb919dafc6ca92b6f977d2d48bc7b
)
SELECT COUNT(DISTINCT "t"."household") AS "a",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."week" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "t"."week") END AS "b"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a filter column shown
-- in a share: sha256:1aa91772a462e62b36015bc6f042883a8a527101774d40bd4954f2bbe8ffb6a7
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."store" = 7
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a filter column counted
-- in a share: sha256:c8ee4a824d35b2020b8699cf5954a59db579821f50adf2b7b820a6d9dcda4d87
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "e"."campaign" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "e"."campaign") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a filter column in CASE
-- in a share: sha256:5b3de2cfb14d2c32f53f5a0dbc309f91648302a73aaa94b2f64dbb161936ebb3
)
SELECT CASE WHEN "t"."week" < 10 THEN 'early' ELSE 'late' END AS "side",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY CASE WHEN "t"."week" < 10 THEN 'early' ELSE 'late' END
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a filter column through a stage
-- in a share: sha256:6b8380786379531d0991b5e01228b623e7cc4a66858d4bf3601915534b7b0867
), "a" AS (
  SELECT "t"."household" AS "household",
         "t"."store" AS "s",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT "a"."week" AS "week",
       COUNT(*) AS "n"
FROM "a" AS "a"
WHERE "a"."s" = 3
GROUP BY "a"."week"
HAVING COUNT(DISTINCT "a"."household") >= 100

-- hidden-columns: a filter column in HAVING
-- in a share: sha256:6c9e5c86e60507857e8454768bcb1c143d49d75429c91a332bc56bf575caaa50
)
SELECT "airlock_stage"."week" AS "week",
       "airlock_stage"."n" AS "n"
FROM (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n",
         COUNT(*) > 200 AS "airlock_having"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  WHERE "t"."store" = 7
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
) AS "airlock_stage"
WHERE "airlock_stage"."airlock_having"

-- hidden-columns: a filter column in a join
-- in a share: sha256:6361a29b583a11624626eca26095660a88e370b96af2b14d8ac7f90d28455939
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."store" > "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: the row number of the file
-- in a share: sha256:8bbee758c6c2a123cb3cceb50c595747bef2a19c7b380a8313f26a8a814bf4fc
)
SELECT "t"."sold_on" AS "day",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."sold_on"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: the name of the file
-- in a share: sha256:820dd527a829e041e56cc5ba230519d995f76e93884c50e3adf336077d8a7962
)
SELECT "e"."campaign" AS "filename",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a field of a struct
-- in a share: sha256:0ce89035310ce9f35ce6ce5cc70c21045140aa5fc2007e2c395e606fb41f73a8
)
SELECT "t"."week" AS "inner_week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- hidden-columns: a filter column beside a per-entity value
-- in a share: sha256:102f44c009e451db7724a4e16cafbdb727bd26000d6e19f3df1d0906ab29fb2c
), "per" AS (
  SELECT "e"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_exposures" AS "e"
  GROUP BY "e"."household"
)
SELECT ("per"."n" * 2) AS "doubled",
       COUNT(DISTINCT "t"."household") AS "n"
FROM "per" AS "per"
JOIN "airlock_sales" AS "t" ON "per"."household" = "t"."household"
WHERE "t"."store" = 3
GROUP BY ("per"."n" * 2)
HAVING COUNT(DISTINCT "per"."household") >= 100

-- joins: a stage of several keys on the right
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
), "s" AS (
  SELECT "v"."person" AS "person",
         COUNT(*) AS "pages"
  FROM "airlock_visits" AS "v"
  GROUP BY "v"."person"
)
SELECT "c"."segment" AS "segment",
       CASE WHEN COUNT(DISTINCT CASE WHEN "s"."pages" IS NOT NULL THEN "c"."person" END) >= 100 AND COUNT(DISTINCT CASE WHEN "s"."pages" IS NOT NULL THEN "s"."person" END) >= 100 THEN SUM("s"."pages") END AS "n"
FROM "s" AS "s"
JOIN (
  SELECT "r".*,
         COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
  FROM "airlock_customers" AS "r"
  LEFT JOIN (
    SELECT "airlock_visits"."person__email" AS "k",
           MIN("airlock_visits"."person") AS "id"
    FROM "airlock_visits"
    WHERE "airlock_visits"."person__email" IS NOT NULL
    GROUP BY "airlock_visits"."person__email"
  ) AS "m0" ON "r"."person__email" = "m0"."k"
  LEFT JOIN (
    SELECT "airlock_visits"."person__phone" AS "k",
           MIN("airlock_visits"."person") AS "id"
    FROM "airlock_visits"
    WHERE "airlock_visits"."person__phone" IS NOT NULL
    GROUP BY "airlock_visits"."person__phone"
  ) AS "m1" ON "r"."person__phone" = "m1"."k"
) AS "c" ON "s"."person" = "c"."airlock_person"
GROUP BY "c"."segment"
HAVING COUNT(DISTINCT "c"."person") >= 100 AND COUNT(DISTINCT "s"."person") >= 100

-- joins: a derived table of several keys on the right
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT "v"."page" AS "page",
       COUNT(DISTINCT "v"."airlock_person") AS "n"
FROM (
  SELECT "c"."person" AS "person"
  FROM "airlock_customers" AS "c"
  WHERE "c"."region" = 'x'
) AS "k"
JOIN (
  SELECT "r".*,
         COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
  FROM "airlock_visits" AS "r"
  LEFT JOIN (
    SELECT "airlock_customers"."person__email" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__email" IS NOT NULL
    GROUP BY "airlock_customers"."person__email"
  ) AS "m0" ON "r"."person__email" = "m0"."k"
  LEFT JOIN (
    SELECT "airlock_customers"."person__phone" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__phone" IS NOT NULL
    GROUP BY "airlock_customers"."person__phone"
  ) AS "m1" ON "r"."person__phone" = "m1"."k"
) AS "v" ON "k"."person" = "v"."airlock_person"
GROUP BY "v"."page"
HAVING COUNT(DISTINCT "k"."person") >= 100

-- joins: not joined at all
-- in a share: sha256:5e611a04ad09059b36bd54537605b9f93f32478df79a7afb76c027b61ed8df10
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: joined with the owner's own data
-- in a share: sha256:8dd14340c1517712aef5c800f9e55e4f394515fa3690da29c2bb574c38be2f98
)
SELECT "s"."age" AS "age",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
JOIN "airlock_exposures" AS "e" ON "s"."household" = "e"."household"
GROUP BY "s"."age"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: left-joined, so that all stay
-- in a share: sha256:bb3aaa8a445d619555f2587d1396d2471b3451ea8200ba30a5a1569d439107db
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_exposures" AS "e"
LEFT JOIN "airlock_sales" AS "t" ON "e"."household" = "t"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: joined with itself
-- in a share: sha256:ab6afd07d4a952937e8ecb99ca8631425a89a4b27194aea942db6628f937aa7f
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "t"
JOIN "airlock_exposures" AS "u" ON "t"."household" = "u"."household"

-- joins: on dimensions alone
-- in a share: sha256:48ea5b47a2ac29a112c75c9b031351fb23e6b9e7eecfe4d93144be50686f71c9
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household" AND "t"."week" = "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on a key OR a dimension
-- in a share: sha256:48ea5b47a2ac29a112c75c9b031351fb23e6b9e7eecfe4d93144be50686f71c9
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household" AND "t"."week" = "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on a constant key
-- in a share: sha256:6c0a0806d52a1c390ce635c2e7d99e0ac0102b75bf50bbc606515b28f72e40e2
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "e"."campaign" = 7
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on TRUE
-- in a share: sha256:a2c49b2ce9cd73f5bd9877e9d8a72b7621e46b7257c029d087a845d39bf7dfb1
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE TRUE
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on 1 = 1
-- in a share: sha256:d9a61f8b9eb8b73c745ab27927b5bb83b18fdadd3b15db78c7e22d2a8005e117
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE 1 = 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on unequal keys
-- in a share: sha256:3f07bdde0b7e9178844560ea71fea41151ac279d9f934cd6d80a737a262b58ba
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" <> "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on a greater key
-- in a share: sha256:a710f6866ef870175dea1f7e2bc5eae562d93e0bfeb5ae84aaf021b9d3a90606
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" >= "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on a computed key
-- in a share: sha256:bf0f67e0e439f139f6c9e420a280e4b0aeeab65f06bc00491308d2c53e5cb8a8
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on keys and a known week
-- in a share: sha256:26932dc3247931d6ff934a64b31c63646209558897ab80ddce7ba152e7dc4659
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("t"."week" = 5 AND "e"."campaign" = 1)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on NOT of a difference
-- in a share: sha256:bf0f67e0e439f139f6c9e420a280e4b0aeeab65f06bc00491308d2c53e5cb8a8
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on one relation's key twice
-- in a share: sha256:77ccdcfbdbf802371b0b3e21419aa3b4b43a6649b1ade95c551fb61c4862196b
)
SELECT COUNT(DISTINCT "t"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on keys that are not distinct
-- in a share: sha256:16cc88a5ee6d54d9a31c5e2eb08e9a1849d1ecf6fdf4a9c6af4e66cb5c95c508
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "e"."household" IS NOT NULL
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: on keys of different kinds
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT COUNT(*) AS "n"
FROM "airlock_readers" AS "r"
JOIN (
  SELECT "r".*,
         COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
  FROM "airlock_customers" AS "r"
  LEFT JOIN (
    SELECT "airlock_readers"."person__email" AS "k",
           MIN("airlock_readers"."person") AS "id"
    FROM "airlock_readers"
    WHERE "airlock_readers"."person__email" IS NOT NULL
    GROUP BY "airlock_readers"."person__email"
  ) AS "m0" ON "r"."person__email" = "m0"."k"
  LEFT JOIN (
    SELECT "airlock_readers"."person__phone" AS "k",
           MIN("airlock_readers"."person") AS "id"
    FROM "airlock_readers"
    WHERE "airlock_readers"."person__phone" IS NOT NULL
    GROUP BY "airlock_readers"."person__phone"
  ) AS "m1" ON "r"."person__phone" = "m1"."k"
) AS "c" ON "r"."person" = "c"."airlock_person"
HAVING COUNT(DISTINCT "c"."person") >= 100 AND COUNT(DISTINCT "r"."person") >= 100

-- joins: a key against a dimension
-- in a share: sha256:82b799707537bf6ed776d9034c7b2b65e23694fe801c6fb6862c742d9f6171e5
)
SELECT COUNT(*) AS "n",
       CASE WHEN COUNT(DISTINCT CASE WHEN "e"."campaign" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT("e"."campaign") END AS "seen"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: a comma
-- in a share: sha256:0bfbb2799ba0ae26e30b2ed8855e116a3b38f49d344bbe0e7ec69a96c3a0e62b
)
SELECT COUNT(*) AS "n",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."week" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT("t"."week") END AS "weeks"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: a comma and WHERE
-- in a share: sha256:c7bc765543ac323040de6def7f67c06fbb6d5b2f413a17fa0af0b00296089e27
)
SELECT COUNT(*) AS "rows_matched"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: CROSS JOIN
-- in a share: sha256:66c20ee8f077fe0d2367615db126ad6c04dfb62eaa968b083a82ef309a156883
), "a" AS (
  SELECT COUNT(*) AS "n"
  FROM "airlock_exposures" AS "exposures"
), "b" AS (
  SELECT COUNT(*) AS "m"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "a"."n" AS "n",
       "b"."m" AS "m"
FROM "a" AS "a"
CROSS JOIN "b" AS "b"

-- joins: RIGHT JOIN
-- in a share: sha256:b641cc68385e35e86fb1b4a13de4ebee1272754fdd91f9925f37e4b783549221
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "e"
LEFT JOIN "airlock_sales" AS "t" ON "e"."household" = "t"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: FULL JOIN
-- in a share: sha256:d9562cae1ec9c49aaf61ce52699334d691e49b40eb7af8b3f702b834857fa044
)
SELECT "t"."household" IS NOT NULL AS "bought",
       CASE WHEN COUNT(DISTINCT CASE WHEN "e"."household" IS NOT NULL THEN "s"."household" END) >= 50 AND COUNT(DISTINCT CASE WHEN "e"."household" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "e"."household") END AS "n"
FROM "airlock_exposures" AS "e"
LEFT JOIN "airlock_shoppers" AS "s" ON "e"."household" = "s"."household"
LEFT JOIN "airlock_sales" AS "t" ON "e"."household" = "t"."household"
GROUP BY "t"."household" IS NOT NULL
HAVING COUNT(DISTINCT "s"."household") >= 50 AND COUNT(DISTINCT "t"."household") >= 100

-- joins: USING
-- in a share: sha256:f477c957b5a56bb302b1e0245d390b0bcfd96c9b886849c46aafa387106c0a41
)
SELECT COUNT(DISTINCT "e"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: NATURAL JOIN
-- in a share: sha256:02784c701caef4f28d2598a3132051032c4f53819e8472fc4b20a8a7ab20acf1
)
SELECT COUNT(DISTINCT "e"."household") AS "n",
       CASE WHEN COUNT(DISTINCT CASE WHEN "e"."cost" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("e"."cost") END AS "cost"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: SEMI JOIN
-- in a share: sha256:3b85afa11e32d89d4773461cc3ef21a2d9bc9a1b722d2d6d95bfd6316ca921ea
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN (
  SELECT "exposures"."household" AS "household"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."household"
) AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: ANTI JOIN
-- in a share: sha256:c5263d1f360ba576de06896f962d7985f725dfcd9538f31db0e50cc054ab08f8
)
SELECT "t"."household" IS NOT NULL AS "found",
       COUNT(*) AS "n"
FROM "airlock_exposures" AS "e"
LEFT JOIN "airlock_sales" AS "t" ON "e"."household" = "t"."household"
GROUP BY "t"."household" IS NOT NULL
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: ASOF JOIN
-- in a share: sha256:a710f6866ef870175dea1f7e2bc5eae562d93e0bfeb5ae84aaf021b9d3a90606
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" >= "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: a join in brackets
-- in a share: sha256:546276ef3223856e0507974ff9e3fe50a5563724658b0d3a6ae19a3bdf8e6a28
)
SELECT COUNT(*) AS "n"
FROM (
  SELECT "t"."household" AS "household"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
HAVING COUNT(DISTINCT "x"."household") >= 100

-- joins: without ON
-- in a share: sha256:2644b49f602645818edad9f816acc2efad23a8db778e5d482a7ef27aabd05332
)
SELECT COUNT(*) AS "n",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "pieces"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: CROSS APPLY
-- in a share: sha256:93c6b68ec9ea11872021ad55dd64aad30d07109575bda1b33471129e42ba5d3a
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN (
  SELECT "e"."household" AS "household",
         "e"."campaign" AS "campaign"
  FROM "airlock_exposures" AS "e"
  WHERE "e"."campaign" < 9
) AS "x" ON "t"."household" = "x"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: the matched of one campaign counted alone
-- in a share: sha256:b6b1ae9a1ff81f1f054958fce388b58e57be4d02f0ab16055b67391c2484200a
)
SELECT "x"."household" IS NOT NULL AS "hit",
       COUNT(DISTINCT "t"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
LEFT JOIN (
  SELECT "y"."household" AS "household"
  FROM "airlock_exposures" AS "y"
  WHERE "y"."campaign" = 7
) AS "x" ON "t"."household" = "x"."household"
GROUP BY "x"."household" IS NOT NULL
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: the matched counted by their dimension
-- in a share: sha256:13d72da0a2a6bfcd6e3b99ecd97ec06d09f6ce74aae511bde9cd23b0ef1fc787
)
SELECT "x"."campaign" AS "campaign",
       COUNT(DISTINCT "t"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
LEFT JOIN "airlock_exposures" AS "x" ON "t"."household" = "x"."household" AND "t"."week" = "x"."campaign"
GROUP BY "x"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: the matched added up by their measure
-- in a share: sha256:6787770ef89ee6f4fbfdba9b714b2f3c456516cb6ad889e4cd91a64363e08464
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "x"."cost" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("x"."cost") END AS "hit"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_exposures" AS "x" ON "t"."household" = "x"."household" AND "t"."week" = "x"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: the matched added up by entity
-- in a share: sha256:d18867d0b09a4182a235455fffb1b69e360543562281ef3a5ef0be80b0dcba82
), "seen" AS (
  SELECT "y"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_exposures" AS "y"
  WHERE "y"."campaign" = 7
  GROUP BY "y"."household"
)
SELECT "seen"."n" AS "n",
       COUNT(DISTINCT "t"."household") AS "people"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
LEFT JOIN "seen" AS "seen" ON "t"."household" = "seen"."household"
GROUP BY "seen"."n"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: the matched counted a stage later
-- in a share: sha256:d49086d7774051f063beb925ea74d841fc6cdd19aa7303dc38bc6db486688006
), "m" AS (
  SELECT "t"."household" AS "household",
         "x"."household" IS NOT NULL AS "hit"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  LEFT JOIN (
    SELECT "y"."household" AS "household"
    FROM "airlock_exposures" AS "y"
    WHERE "y"."campaign" = 7
  ) AS "x" ON "t"."household" = "x"."household"
)
SELECT "m"."hit" AS "hit",
       COUNT(DISTINCT "m"."household") AS "hits"
FROM "m" AS "m"
GROUP BY "m"."hit"
HAVING COUNT(DISTINCT "m"."household") >= 100

-- joins: the matched of a smaller threshold
-- in a share: sha256:6ab93167fb32c96de3909890c402848c0a5353899faba67c9bf32ad13a41642d
)
SELECT COUNT(DISTINCT "s"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "e"."household" = "s"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: stages whose entities were matched by different datasets
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
), "a" AS (
  SELECT "c"."person" AS "person",
         "c"."segment" AS "segment",
         "r"."person" AS "airlock_own_1"
  FROM "airlock_customers" AS "c"
  JOIN (
    SELECT "r".*,
           COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
    FROM "airlock_readers" AS "r"
    LEFT JOIN (
      SELECT "airlock_customers"."person__email" AS "k",
             MIN("airlock_customers"."person") AS "id"
      FROM "airlock_customers"
      WHERE "airlock_customers"."person__email" IS NOT NULL
      GROUP BY "airlock_customers"."person__email"
    ) AS "m0" ON "r"."person__email" = "m0"."k"
    LEFT JOIN (
      SELECT "airlock_customers"."person__phone" AS "k",
             MIN("airlock_customers"."person") AS "id"
      FROM "airlock_customers"
      WHERE "airlock_customers"."person__phone" IS NOT NULL
      GROUP BY "airlock_customers"."person__phone"
    ) AS "m1" ON "r"."person__phone" = "m1"."k"
  ) AS "r" ON "c"."person" = "r"."airlock_person"
), "b" AS (
  SELECT "d"."person" AS "person",
         "s"."section" AS "section",
         "s"."person" AS "airlock_own_3"
  FROM "airlock_customers" AS "d"
  JOIN (
    SELECT "r".*,
           COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
    FROM "airlock_readers" AS "r"
    LEFT JOIN (
      SELECT "airlock_customers"."person__email" AS "k",
             MIN("airlock_customers"."person") AS "id"
      FROM "airlock_customers"
      WHERE "airlock_customers"."person__email" IS NOT NULL
      GROUP BY "airlock_customers"."person__email"
    ) AS "m0" ON "r"."person__email" = "m0"."k"
    LEFT JOIN (
      SELECT "airlock_customers"."person__phone" AS "k",
             MIN("airlock_customers"."person") AS "id"
      FROM "airlock_customers"
      WHERE "airlock_customers"."person__phone" IS NOT NULL
      GROUP BY "airlock_customers"."person__phone"
    ) AS "m1" ON "r"."person__phone" = "m1"."k"
  ) AS "s" ON "d"."person" = "s"."airlock_person"
)
SELECT COUNT(*) AS "n"
FROM "a" AS "a"
JOIN "b" AS "b" ON "a"."person" = "b"."person"
HAVING COUNT(DISTINCT "a"."airlock_own_1") >= 20 AND COUNT(DISTINCT "a"."person") >= 100 AND COUNT(DISTINCT "b"."airlock_own_3") >= 20

-- joins: a released stage and raw rows
-- in a share: sha256:3d3867417e236807f7ce9667c5264d7a6ce83a3be2389fe4879c120249c4c003
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
), "c" AS (
  SELECT "exposures"."campaign" AS "campaign",
         COUNT(*) AS "m"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."campaign"
)
SELECT "w"."week" AS "week",
       "w"."n" AS "n",
       "c"."m" AS "m"
FROM "w" AS "w"
JOIN "c" AS "c" ON "w"."week" = "c"."campaign"

-- joins: one dataset often enough for the maximum
-- in a share: sha256:4e0627783f90f1054d2cfc50b60b4cb4cf1194eb9891bd37bfbe287edcb8abfa
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_sales" AS "a" ON "t"."household" = "a"."household" AND "t"."week" = "a"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- joins: one dataset often enough, in stages
-- in a share: sha256:5363e02d47d068f774c974e0f5956046d2a531442e2959c3b965eceaa170aec4
), "w" AS (
  SELECT "x"."household" AS "household",
         COUNT(*) AS "visits",
         COUNT(DISTINCT "x"."week") AS "weeks"
  FROM "airlock_sales" AS "x"
  GROUP BY "x"."household"
)
SELECT "w"."weeks" AS "weeks",
       COUNT(DISTINCT "w"."household") AS "n"
FROM "w" AS "w"
JOIN "airlock_exposures" AS "e" ON "w"."household" = "e"."household"
GROUP BY "w"."weeks"
HAVING COUNT(DISTINCT "w"."household") >= 100

-- joins: one stage twice
-- in a share: sha256:e13689bff98d434fc6684d4cf4dc271fa313c22cd26d603411e9ac2aea5edd41
), "a" AS (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
), "b" AS (
  SELECT "t"."household" AS "household",
         "e"."campaign" AS "campaign"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT COUNT(*) AS "n"
FROM "a" AS "x"
JOIN "b" AS "y" ON "x"."household" = "y"."household"
HAVING COUNT(DISTINCT "x"."household") >= 100

-- match-keys: shown beside a count
-- in a share: sha256:f1aaa7a9f166d904374eed1b71fe0dde4826e1a7a97977d69dae72d05b969f5a
)
SELECT "t"."week" AS "week",
       COUNT(DISTINCT "t"."household") AS "households"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: grouped by and released
-- in a share: sha256:0bcd7c151c9df92a20484e42bbb1a6dda89ca28db1c1249d4f37616f779d07c4
)
SELECT "t"."sold_on" AS "sold_on",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."sold_on"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: equal to a known one
-- in a share: sha256:6b2097766233b9472fdfabc41ceb5e541183569834038a7508d48a67d04c2ee8
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."household" IS NOT NULL
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: in a list of known ones
-- in a share: sha256:9e20ed64f0bc9f07b01b49df7e638e5105f56455e9d9379f624424537506ccbd
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" IN (1, 2)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: between two known ones
-- in a share: sha256:7632341976be03b914850555195117e4852b821a73357119af8dde3b78d3bcb6
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" BETWEEN 1 AND 9
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: not equal to all others
-- in a share: sha256:d74ed743ed66cc92863d9f13b0fa6d53f030c49a994854ceac2145c3f03efc46
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" <> 7
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: equal to a parameter
-- in a share: sha256:352c5b7a5c12b24f0d0d83ced2029599608a7e6b43d6b8d8df2cc37bba8b229e
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = CAST({{ from_week }} AS NUMBER(38, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: equal through NOT
-- in a share: sha256:55604ace4948bc1214425ac0c3812959f103d8bfe6ad10fc67de29b9d6005c5b
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE NOT ("t"."week" = 7)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: parity as a half of the key
-- in a share: sha256:c65516cea95016ef5d3768752c54b1dd7f6fc24ae73dcae3077c275ff89476ef
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("t"."week" % NULLIF(2, 0)) = 0
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: a key as a truth
-- in a share: sha256:f127ca196a56784f5ce0ecf09fb2e2362ff7b3bac167fce933047d27e4e9ac10
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."household" IS NULL
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: a missing key said the other way round
-- in a share: sha256:a317acdd7adc129e51c8b3d550e692ba16ef317e7b71bb9ba8852e8ec3e23fbb
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE NOT ("t"."household" IS NOT NULL)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: counted with repeats
-- in a share: sha256:77ccdcfbdbf802371b0b3e21419aa3b4b43a6649b1ade95c551fb61c4862196b
)
SELECT COUNT(DISTINCT "t"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: the greatest
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN MAX("t"."price") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: the least
-- in a share: sha256:2fdbd4760675d13c4446f3c30f731eea4d1db27616d6a21b73cedcaef8f717fb
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."price") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: added up
-- in a share: sha256:9c35ac96264f115b9259d4ffe08792358d0523caacb087bf0362e1633ceac9c8
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: shifted by one as a group
-- in a share: sha256:e25a2b0be289d4a23a59a1ba64aae462e1aa324ee401a93bb7a472686a25b88f
)
SELECT ("t"."week" + 1) AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ("t"."week" + 1)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: in buckets of a thousand
-- in a share: sha256:4231a8eca56bcb57efda1cd8a6c64667fa9d0e2c147122f02307cb76cd386a5d
)
SELECT FLOOR((CAST("t"."week" AS FLOAT) / CAST(NULLIF(4, 0) AS FLOAT))) AS "bucket",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY FLOOR((CAST("t"."week" AS FLOAT) / CAST(NULLIF(4, 0) AS FLOAT)))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: as text
-- in a share: sha256:fc41176a43f619a30a876ca9951dec55a77729adf0a919294db23bb836b4301d
)
SELECT TO_VARCHAR("t"."week") AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY TO_VARCHAR("t"."week")
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: first letters of its text
-- in a share: sha256:7f4cc647ec689b16df416cbd43bbe05890a4b7dae41f217a475a4a1b1101dec3
)
SELECT SUBSTR("s"."age", 1, 2) AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
GROUP BY SUBSTR("s"."age", 1, 2)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: length of its text
-- in a share: sha256:ba00978eca5f45821ee4059c3ca7fe3aa34be585b91b9872657c43868986ac6c
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE LENGTH(TO_VARCHAR("t"."week")) = 2
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: LIKE on its text
-- in a share: sha256:b5103ced318ed48c2f0eadf42ac7071085309479f51fac0b28acfcbb9ae64566
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE TO_VARCHAR("t"."week") LIKE '4%'
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: joined to a text
-- in a share: sha256:96077497acc317789bb7a5aab677ba8dffb0442adbf95f7e542c46861ff6515d
)
SELECT ('week ' || TO_VARCHAR("t"."week")) AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ('week ' || TO_VARCHAR("t"."week"))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: coalesced with zero
-- in a share: sha256:7993b7f2c3e060827ba96eb3a542b96c5d6650847078148d41b7845cbddae619
)
SELECT COALESCE("t"."week", 0) AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY COALESCE("t"."week", 0)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: NULL when it is the target
-- in a share: sha256:f4912e73eb6e6363c769eb16830ad469bb186819b47de67c81e1c268a552a040
)
SELECT NULLIF("t"."week", 53) AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY NULLIF("t"."week", 53)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: greatest of key and constant
-- in a share: sha256:363a59bd66e71f6369f01f54fe66b018b04ddd02d3b473b621c2c70ea785da47
)
SELECT GREATEST_IGNORE_NULLS("t"."week", 10) AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY GREATEST_IGNORE_NULLS("t"."week", 10)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: CASE that flags the target
-- in a share: sha256:09b765b695593a73c48804d9396e25d46b5f202fcdff7d95dd6213808acc33c8
)
SELECT CASE WHEN "t"."week" = 7 THEN 'it' ELSE 'rest' END AS "which",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY CASE WHEN "t"."week" = 7 THEN 'it' ELSE 'rest' END
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: CASE with the key as operand
-- in a share: sha256:7dd222ca9ba5179a48809dbe711b7a8dd9a3021cddcf88c19474b05e3902b9e4
)
SELECT CASE WHEN "t"."week" = 7 THEN 1 ELSE 0 END AS "hit",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY CASE WHEN "t"."week" = 7 THEN 1 ELSE 0 END
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: CASE that returns the key
-- in a share: sha256:69a0ee242e43415d0474a7ba642797a052ab771b2c57f1190a50ba6d24607ffa
)
SELECT CASE WHEN "t"."week" > 7 THEN "t"."week" END AS "late",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY CASE WHEN "t"."week" > 7 THEN "t"."week" END
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: CASE inside COUNT DISTINCT
-- in a share: sha256:9aec872463b3f685658b9b058652f745ead1eeb9b8ac97097895f6a8140616c9
)
SELECT COUNT(DISTINCT "t"."household") AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: two keys compared
-- in a share: sha256:f241ca57acaae7f098836ac153c82d52fdd77ac6d7ccaf7e211c40d95ffbfabc
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" < "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: renamed in a derived table
-- in a share: sha256:3c014fb508accb097d1f65a86d4c74c73fc768fa0e2f1822e2a86bb74ad06f73
)
SELECT COUNT(DISTINCT "x"."innocent") AS "n"
FROM (
  SELECT "t"."household" AS "innocent",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
WHERE "x"."week" = 7
HAVING COUNT(DISTINCT "x"."innocent") >= 100

-- match-keys: renamed through two stages
-- in a share: sha256:50cbbe33c271811f139eacc21ba24aaaf2e16a8d11f1412709f110c173d6d62f
), "a" AS (
  SELECT "t"."household" AS "k"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
), "b" AS (
  SELECT "a"."k" AS "z"
  FROM "a" AS "a"
)
SELECT COUNT(DISTINCT "b"."z") AS "n"
FROM "b" AS "b"
HAVING COUNT(DISTINCT "b"."z") >= 100

-- match-keys: ordered by in a total
-- in a share: sha256:03e4cdb2a8593c498a5910318c1b4df292f3e5d9cee0a0afbf24efa9fead6373
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "n" ASC NULLS LAST

-- match-keys: in HAVING
-- in a share: sha256:463ba8d53845f77562649fcdca2298b251e0b18241a3f4ef23f49a71bfe2d0ae
)
SELECT "airlock_stage"."week" AS "week",
       "airlock_stage"."n" AS "n"
FROM (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n",
         COUNT(DISTINCT "t"."household") > 500 AS "airlock_having"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
) AS "airlock_stage"
WHERE "airlock_stage"."airlock_having"

-- match-keys: flag of the key beside a group
-- in a share: sha256:4681563480ba1b7f1708508c8ef0956c9a2b26250a5b2afa464cad5b7f2163e2
)
SELECT "t"."week" AS "week",
       "t"."household" IS NOT NULL AS "known",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week", "t"."household" IS NOT NULL
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: hashed
-- in a share: sha256:80c4ae48eeb6c8ddc53183dec63a5b269fec6c3af744ee734a33cbbc60d1d0aa
)
SELECT LOWER(TO_VARCHAR("t"."week")) AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY LOWER(TO_VARCHAR("t"."week"))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: tokenised again
-- in a share: sha256:d94414f4aa078f6b5808832e7d16fcd4f8596a2612957156cb36f2bbaed5774a
)
SELECT TRIM(TO_VARCHAR("t"."week"), ' ') AS "h",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY TRIM(TO_VARCHAR("t"."week"), ' ')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- match-keys: one of several keys by its hidden name
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT "c"."segment" AS "segment",
       COUNT(DISTINCT "c"."person") AS "people"
FROM "airlock_customers" AS "c"
JOIN (
  SELECT "r".*,
         COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
  FROM "airlock_readers" AS "r"
  LEFT JOIN (
    SELECT "airlock_customers"."person__email" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__email" IS NOT NULL
    GROUP BY "airlock_customers"."person__email"
  ) AS "m0" ON "r"."person__email" = "m0"."k"
  LEFT JOIN (
    SELECT "airlock_customers"."person__phone" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__phone" IS NOT NULL
    GROUP BY "airlock_customers"."person__phone"
  ) AS "m1" ON "r"."person__phone" = "m1"."k"
) AS "r" ON "c"."person" = "r"."airlock_person"
GROUP BY "c"."segment"
HAVING COUNT(DISTINCT "c"."person") >= 100 AND COUNT(DISTINCT "r"."person") >= 20

-- match-keys: the resolved key by its hidden name
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT "r"."section" AS "section",
       COUNT(*) AS "n"
FROM "airlock_customers" AS "c"
JOIN (
  SELECT "r".*,
         COALESCE("m0"."id", "m1"."id", "r"."person") AS "airlock_person"
  FROM "airlock_readers" AS "r"
  LEFT JOIN (
    SELECT "airlock_customers"."person__email" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__email" IS NOT NULL
    GROUP BY "airlock_customers"."person__email"
  ) AS "m0" ON "r"."person__email" = "m0"."k"
  LEFT JOIN (
    SELECT "airlock_customers"."person__phone" AS "k",
           MIN("airlock_customers"."person") AS "id"
    FROM "airlock_customers"
    WHERE "airlock_customers"."person__phone" IS NOT NULL
    GROUP BY "airlock_customers"."person__phone"
  ) AS "m1" ON "r"."person__phone" = "m1"."k"
) AS "r" ON "c"."person" = "r"."airlock_person"
GROUP BY "r"."section"
HAVING COUNT(DISTINCT "c"."person") >= 100 AND COUNT(DISTINCT "r"."person") >= 20

-- measures: as a group
-- in a share: sha256:adebc4c05b87ba0617aca6b10ad6c4dc7a4de5cbb977a57044faba6965d456ec
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "amount"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: as a filter
-- in a share: sha256:96abd087aa317c8b70fab740dccbae9e17189a89b10e950f25ba63141c212e8e
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" > 5
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: as a filter through NULL
-- in a share: sha256:0e81425400b1585ad843a914e9a9fbdf47511879a76865382c26cb9848e89a6e
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."sold_on" IS NULL
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: as a range
-- in a share: sha256:a6d11a665feab7d34726095ccdc773572ba3154bd42ee95086750a65a7cbc66c
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."sold_on" BETWEEN TO_DATE('2026-01-01', 'YYYY-MM-DD') AND TO_DATE('2026-01-31', 'YYYY-MM-DD')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: in a list
-- in a share: sha256:ab01f97b95ed9b4528599cd7a98f866991a9081d5eb933d0298e3e9ce0533a02
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."store" IN (1)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: minimum not agreed
-- in a share: sha256:6f0c8b90353f404f6a53e456319a5cee2e852face753d6cd81361855aef3195c
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: maximum not agreed
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN MAX("t"."price") END AS "dearest"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: average not agreed
-- in a share: sha256:8f6cfcbce723725795593ffae561629ab50b6895c256062df00b4e79085b8b43
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."price") END AS "total"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: counted as a test for NULL
-- in a share: sha256:6b77fc1e8822104cd7a4a60b1c2111d15e2bef09e236c35c1d190cf56e8c4428
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."week" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT("t"."week") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: distinct values counted
-- in a share: sha256:90e16204c759e19d5f7fc1e82e998ea2b4ed04ecea57b3566f8940acd918de49
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."sold_on" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "t"."sold_on") END AS "days"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: distinct values added up
-- in a share: sha256:46c11ef632bd691a3f96defc1b10f16c4ffef0e545c7e2bfa9376bd274994ea1
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: CASE inside SUM
-- in a share: sha256:b1468a73f4fdbdb658e4488049e7c5e2ae1b4846322bc56e59ab93eb01feeccb
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: CASE of constants inside SUM
-- in a share: sha256:c01ad36c3509bb424c6570fb046e38e58f428f70d64d0ba0c383f74a4f48685d
)
SELECT CASE WHEN "t"."week" = 1 THEN 1 ELSE 0 END AS "first",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY CASE WHEN "t"."week" = 1 THEN 1 ELSE 0 END
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: FILTER on SUM
-- in a share: sha256:7859a62db90d0603190864bd37e3f362ef435dd098c55d7b537f454b3f254baa
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" IN (1)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: FILTER on COUNT
-- in a share: sha256:189cd862d32dc6384b743a8eda7694b1612107a013a85b20166b7b26851bf443
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: a comparison added up
-- in a share: sha256:ac9bd9751ae71d9f0f3a89bb76957526854243a58c5e324ca6ac5cc7aea908af
)
SELECT "t"."week" = 1 AS "first",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week" = 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: NULLIF inside COUNT
-- in a share: sha256:e1d4a4cf556332947c96e62568165690f07100e56211ede1d4e8b464ff7f2900
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."week" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT("t"."week") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" <> 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: weighed by a parameter
-- in a share: sha256:3c619d64f0bc45f5a4076c34a0532b26e39481e96a43671c5cfc208527fe1b88
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN ("t"."price" * CAST("t"."quantity" AS FLOAT)) IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM(("t"."price" * CAST("t"."quantity" AS FLOAT))) END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: weighed by a dimension
-- in a share: sha256:3110dbef3587cbd6340f46f9c6ceb2af33bc03f510512f3c6b27eaf6cd91d91a
)
SELECT "t"."week" AS "week",
       (CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END * CAST(2 AS FLOAT)) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: weighed by another member's measure
-- in a share: sha256:cd8c68f8752e87e2cd08d8967df31ccd152427420870f18214148b4a60bb469a
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "amount",
       CASE WHEN COUNT(DISTINCT CASE WHEN "e"."cost" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("e"."cost") END AS "cost"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: weighed by another member through a sum
-- in a share: sha256:55ddf5e5e08bbe6d90ba645b02855ce26d3565621a417ebd1ef08ef114924266
)
SELECT (CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END - CASE WHEN COUNT(DISTINCT CASE WHEN "e"."cost" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("e"."cost") END) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: to a high power
-- in a share: sha256:6662d48ec93b33971559733adad5c35aa64a2e1ba1d7d142687c42558137b3ed
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN ("t"."amount" * "t"."amount") IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM(("t"."amount" * "t"."amount")) END AS "squares",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "total"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: divided inside SUM
-- in a share: sha256:2951276f988c3797f2257cfa310755d5316d74a22753346600cf5797b10e3630
)
SELECT (CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END / CAST(NULLIF(CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END, 0) AS FLOAT)) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: modulo inside SUM
-- in a share: sha256:5724c90cff5b492c2b2311f324405bfc33f5d92ba6440b23e657ef8326fa34f5
)
SELECT (CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END % NULLIF(1000, 0)) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: rounded inside SUM
-- in a share: sha256:827c67a50c33911912d346450da568277857f6b69d8593b58e3daed0ff1a7647
)
SELECT ROUND(CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: cast inside SUM
-- in a share: sha256:c756929633d535ae4639ce3a39f46efdcec2d32734f521c4bf189b2906bc8187
)
SELECT CASE WHEN CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END >= CAST('-9223372036854775808' AS FLOAT) AND CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END < CAST('9223372036854775808' AS FLOAT) THEN CAST(TRUNC(CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END) AS NUMBER(38, 0)) END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: coalesced inside SUM
-- in a share: sha256:82dfa83339c720f3da93575813cf1c00697cdfc0389cc0e2d9f276a7dff4a43a
)
SELECT COALESCE(CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END, CAST(0 AS FLOAT)) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: a dimension added up
-- in a share: sha256:dbc3e179600482185dc963de9011f4573ec5e38526d32b622b663fa203cd3afe
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."week" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "t"."week") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: the greatest dimension
-- in a share: sha256:bc0f21f950e5f3b2d201254df031e742d7d6eda8e6caff97fe989080354f450c
)
SELECT "t"."sold_on" AS "day",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."sold_on"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "day" DESC NULLS LAST
LIMIT 1

-- measures: a constant added up
-- in a share: sha256:bf0f67e0e439f139f6c9e420a280e4b0aeeab65f06bc00491308d2c53e5cb8a8
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: bare beside its sum
-- in a share: sha256:bf8bef75aae6489afb9f7722ed4b754adeefe3658a4ee255953de2fe3739eca5
)
SELECT (CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END - CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."price") END) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: a sum of sums
-- in a share: sha256:2144855c791ea7f6ce44ac5ad7810bfe6a791410ece6f0cefdd6a668ac693ffa
), "w" AS (
  SELECT "t"."week" AS "week",
         CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "s"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT SUM("w"."s") AS "n"
FROM "w" AS "w"

-- measures: in ORDER BY of groups
-- in a share: sha256:c6334c5d58027c58255de2ad2810512a145a1bf5f0c5c37ef8835ed31fc2bb16
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "amount"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY 2 ASC NULLS LAST

-- measures: in HAVING
-- in a share: sha256:d339ca77b0d7b344888bd723ab49a3b1b70a8a79bc3060a497721ee6ce4ec40b
)
SELECT "airlock_stage"."week" AS "week",
       "airlock_stage"."n" AS "n"
FROM (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n",
         CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END > CAST(100 AS FLOAT) AS "airlock_having"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
) AS "airlock_stage"
WHERE "airlock_stage"."airlock_having"

-- measures: renamed as a dimension
-- in a share: sha256:89c45b95ad316c3598ea812880414c969ba11dc5b01b813b87a8fb589c494b66
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "x"."week" IS NOT NULL THEN "x"."household" END) >= 100 THEN SUM("x"."week") END AS "n"
FROM (
  SELECT "t"."household" AS "household",
         "t"."amount" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
HAVING COUNT(DISTINCT "x"."household") >= 100

-- measures: renamed to the maximum agreed on another
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "x"."price" IS NOT NULL THEN "x"."household" END) >= 100 THEN MAX("x"."price") END AS "n"
FROM (
  SELECT "t"."household" AS "household",
         "t"."price" AS "price"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
HAVING COUNT(DISTINCT "x"."household") >= 100

-- measures: in a join condition
-- in a share: sha256:48ea5b47a2ac29a112c75c9b031351fb23e6b9e7eecfe4d93144be50686f71c9
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household" AND "t"."week" = "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: another member's measure taken off it
-- in a share: sha256:7c4a99d0dc2050baccf9dc36e143836bdbf99aba3272646d7087c94dbc3808f9
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "amount",
       CASE WHEN COUNT(DISTINCT CASE WHEN "e"."cost" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("e"."cost") END AS "cost",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: another member's measure added and taken off again
-- in a share: sha256:e92daefcce5179061877e8df66dbd2f017680173d7f1f04d8d525fca887e0145
)
SELECT ((CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END + CASE WHEN COUNT(DISTINCT CASE WHEN "e"."cost" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("e"."cost") END) - CASE WHEN COUNT(DISTINCT CASE WHEN "e"."cost" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("e"."cost") END) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: rounded away by a large constant
-- in a share: sha256:d7e9c3b8f1347dca4a1a2afa5d5b6a628bef42a71bf08aa82385b67700463aff
)
SELECT ((CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END * CAST(0.67 AS FLOAT)) / CAST(NULLIF(16384, 0) AS FLOAT)) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: beyond the largest number by a constant
-- in a share: sha256:82099ab8cae86998803c0d34d087ed0b14f37ca046a856f7ef403005d198ae9e
)
SELECT (CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END * CAST(2 AS FLOAT)) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: a histogram of values by a wrapping product
-- in a share: sha256:ddc031059bd02d5b1668ebbc9c69c8d61c2981fcf981d3b04b451aa70f168c64
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "items",
       COUNT(*) AS "bought"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: a measure taken away from a constant
-- in a share: sha256:88c632c874aaf68ccde08eecd4fa58cdfc224d916dcc0243b45f7f2f857e3c8e
)
SELECT "e"."campaign" AS "campaign",
       CASE WHEN COUNT(DISTINCT CASE WHEN (- "t"."amount") IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM((- "t"."amount")) END AS "x"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- measures: the largest of a measure's opposites
-- in a share: sha256:b857aa04e0ede37ff1f8cbffd0d9ad629d6bc8b49bdbd4d15b0f72092bcfb951
)
SELECT "e"."campaign" AS "campaign",
       CASE WHEN COUNT(DISTINCT CASE WHEN ((- "t"."price") * CAST("t"."quantity" AS FLOAT)) IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM(((- "t"."price") * CAST("t"."quantity" AS FLOAT))) END AS "x"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- names: a stage named like a dataset
-- in a share: sha256:a5a8cc3147d3bf84bdcd37be97a638116e936682989eb1ad2409717345746eec
), "seen" AS (
  SELECT "exposures"."campaign" AS "campaign",
         COUNT(*) AS "n"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."campaign"
)
SELECT "seen"."campaign" AS "campaign"
FROM "seen" AS "seen"

-- names: a stage named like a dataset, in capitals
-- in a share: sha256:a5a8cc3147d3bf84bdcd37be97a638116e936682989eb1ad2409717345746eec
), "seen" AS (
  SELECT "exposures"."campaign" AS "campaign",
         COUNT(*) AS "n"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."campaign"
)
SELECT "seen"."campaign" AS "campaign"
FROM "seen" AS "seen"

-- names: two stages of one name
-- in a share: sha256:88e6e409c394f1aa1d69f0f141ba356a13c343b7ac750a9965fa25da297cf636
), "a" AS (
  SELECT "exposures"."campaign" AS "campaign"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."campaign"
), "b" AS (
  SELECT "a"."campaign" AS "campaign"
  FROM "a" AS "a"
)
SELECT "b"."campaign" AS "campaign"
FROM "b" AS "b"

-- names: a stage named like the room
-- in a share: sha256:b9f38c8a0ce9ed15352c08f54b1aae01d7ba11ae48e2765fd77206c71aae2941
), "rooms" AS (
  SELECT "exposures"."campaign" AS "campaign"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."campaign"
)
SELECT "rooms"."campaign" AS "campaign"
FROM "rooms" AS "rooms"

-- names: a stage with a list of columns
-- in a share: sha256:67514e76b26eafe08ee74fb38b19f010e5d463b8f039296a84500678c64cfc9e
), "a" AS (
  SELECT "exposures"."campaign" AS "x"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."campaign"
)
SELECT "a"."x" AS "x"
FROM "a" AS "a"

-- names: a stage kept by the engine
-- in a share: sha256:54fb684a352429700461473e87486841006da48d68e921e44cbd5ff5e8b78192
), "a" AS (
  SELECT "exposures"."campaign" AS "campaign"
  FROM "airlock_exposures" AS "exposures"
  GROUP BY "exposures"."campaign"
)
SELECT "a"."campaign" AS "campaign"
FROM "a" AS "a"

-- names: an output with a reserved name
-- in a share: sha256:8a36c949b6638ae5818b4c164de4c1cc93f941d977ad20f0de40cdae8902e271
)
SELECT "t"."week" AS "a_week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- names: an output that is the gate
-- in a share: sha256:7c5319e91a9fd37c972a070a3c66f0989df2dd3243cf094cf82a023d536ad86a
)
SELECT "airlock_stage"."week" AS "week",
       "airlock_stage"."having_rows" AS "having_rows"
FROM (
  SELECT "t"."week" AS "week",
         COUNT(*) > 0 AS "having_rows",
         TRUE AS "airlock_having"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
) AS "airlock_stage"
WHERE "airlock_stage"."airlock_having"

-- names: an alias with a reserved name
-- in a share: sha256:918b1c80851831e2c5c650a70aac36b547148ad2903127c186e020943581f88d
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "audience"

-- names: an alias that breaks out of its quotes
-- in a share: sha256:8f15bce2f0e887a7890a8cd65ea39d2fc236feec06473bb8a03240871a6d5831
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "e"

-- names: an output that breaks out of its quotes
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- names: an output in capitals and quotes
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- names: an output of spaces
-- in a share: sha256:263c05b13ca3786b7e17cc33934b094ae30175625430b946d129c578d7cff187
)
SELECT COUNT(*) AS "n_"
FROM "airlock_exposures" AS "exposures"

-- names: an output in other letters
-- in a share: sha256:6ed5fb13c90cae8bbbddbaacb467d094f7d27840003f7ab46a6ae00adb9d8f15
)
SELECT COUNT(*) AS "pay"
FROM "airlock_exposures" AS "exposures"

-- names: an output with a zero-width space
-- in a share: sha256:6ed5fb13c90cae8bbbddbaacb467d094f7d27840003f7ab46a6ae00adb9d8f15
)
SELECT COUNT(*) AS "pay"
FROM "airlock_exposures" AS "exposures"

-- names: an output longer than names may be
-- in a share: sha256:e3a2a005c61646201736d179e4d8d27196015a0aabe161c661c50e2ea548ee02
)
SELECT COUNT(*) AS "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
FROM "airlock_exposures" AS "exposures"

-- names: an output without a name
-- in a share: sha256:12db279a60003bd551665d14128dd6649339ceb7dfd61634cd552e09190bb7cf
)
SELECT COUNT(*) AS "counted"
FROM "airlock_exposures" AS "exposures"

-- names: two outputs of one name
-- in a share: sha256:533de2599deb9aaf8648661b6daaaacc700e46a0a29ddf27b104bb5a81d0c35b
)
SELECT COUNT(*) AS "n",
       COUNT(DISTINCT "exposures"."campaign") AS "m"
FROM "airlock_exposures" AS "exposures"

-- names: two outputs of one name in other case
-- in a share: sha256:853806463a1cadbe14d9d6d20be59dac8b2225639ec3e2e090d9a5c5f6b18914
)
SELECT COUNT(*) AS "n",
       COUNT(DISTINCT "exposures"."campaign") AS "nn"
FROM "airlock_exposures" AS "exposures"

-- names: a dataset by look-alike letters
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- names: a dataset in capitals and quotes
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- names: a column by look-alike letters
-- in a share: sha256:aa7e6e859568d5ee6a30a8f457fb5ab977502b986afeffe325c336880bbbabb2
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = 1

-- names: a column by wide letters
-- in a share: sha256:aa7e6e859568d5ee6a30a8f457fb5ab977502b986afeffe325c336880bbbabb2
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = 1

-- names: a column in capitals and quotes
-- in a share: sha256:aa7e6e859568d5ee6a30a8f457fb5ab977502b986afeffe325c336880bbbabb2
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = 1

-- names: a column in backticks
-- in a share: sha256:aa7e6e859568d5ee6a30a8f457fb5ab977502b986afeffe325c336880bbbabb2
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = 1

-- names: a text in double quotes
-- in a share: sha256:d2a2ac11853d5cb469f0f1035dc8f516b0f4c27441a4bf996fdeafd839803a9f
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE "s"."age" = 'young'
HAVING COUNT(DISTINCT "t"."household") >= 100

-- names: a column of two relations
-- in a share: sha256:f0d3c77dfd3454a2f8b9f7651eacdf3adc63ca161899c728cd1756a024625b4f
)
SELECT COUNT(DISTINCT "t"."household") AS "n",
       COUNT(DISTINCT "e"."household") AS "m"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- names: one alias for two relations
-- in a share: sha256:a8c4a3be2cef59d79772a42cc5c694a8f5937821c2eab4cf5922583eb0a0b279
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "t2" ON "t"."household" = "t2"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- names: an alias of a relation out of sight
-- in a share: sha256:3cc0e98534a21101533348d31fede9f749c2f55c76db495d702f31c1c534df66
)
SELECT COUNT(*) AS "n"
FROM (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
) AS "x"
WHERE "x"."week" = 5
HAVING COUNT(DISTINCT "x"."household") >= 100

-- names: a dataset's name after an alias
-- in a share: sha256:aa7e6e859568d5ee6a30a8f457fb5ab977502b986afeffe325c336880bbbabb2
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = 1

-- names: a measure behind a dimension's alias
-- in a share: sha256:eb6dbc73b99e178628456d5a6afdaff2a25415bd40f079cb31b519a5606f8b2c
)
SELECT "t"."week" AS "amount",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- names: a key behind a dimension's alias
-- in a share: sha256:80ef767ef9c03463f4f096d63a51e9b84161c8dae3b9e55b603e53ac42f2f5c1
)
SELECT "e"."campaign" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: not declared
-- in a share: sha256:c6a51abd58465284e3ad14b87ad9c2c2d33e962277332275e29b6864669b4f5d
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = CAST({{ to_week }} AS NUMBER(38, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: by place with a dollar
-- in a share: sha256:1cad5618bb52256f7e25be1f378ca60ec09fd9f7c016f4f6cda413515c0f02fd
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" >= CAST({{ from_week }} AS NUMBER(38, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: by name with a dollar
-- in a share: sha256:6a866e11267a91205ca19f98771e8a5d7609321ee9760baa7930111bd2547059
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" > CAST({{ from_week }} AS NUMBER(38, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: a question mark
-- in a share: sha256:92e23e2c954231b0b16449c301a244b40535295d9ad3eb68a09a6665a19ec94e
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" <= CAST({{ to_week }} AS NUMBER(38, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: a variable
-- in a share: sha256:90361293809b93c9288a068f5e992a5eadde34192d9e22052d415437ae8124bc
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" < CAST({{ to_week }} AS NUMBER(38, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: in other case
-- in a share: sha256:352c5b7a5c12b24f0d0d83ced2029599608a7e6b43d6b8d8df2cc37bba8b229e
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = CAST({{ from_week }} AS NUMBER(38, 0))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: as a column
-- in a share: sha256:32f1fc2a7b24597c277455c9fddfa0239b1e1da2bd2ac8914a89c840eb7ad03a
)
SELECT "t"."week" >= CAST({{ from_week }} AS NUMBER(38, 0)) AS "later",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: as a template's braces
-- in a share: sha256:51e0aaea926c4b7e393280ef73319fdf917e265ef4b0da35b2962a5043e5e316
)
SELECT ('{' || '{column}}') AS "c",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: as a group
-- in a share: sha256:ee8ab580ed8bd27b1262fa3a382de6de4583748ae87721738993e553effedda5
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ("t"."week" + CAST({{ from_week }} AS NUMBER(38, 0)))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: as an order
-- in a share: sha256:a2aa9f282d565aab11356580c7189beb8d28c41ef465042defa3e5dc230d42ba
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" <> CAST({{ from_week }} AS NUMBER(38, 0))
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "n" ASC NULLS LAST

-- parameters: as a unit of time
-- in a share: sha256:6c041acee9d0b346d88fdd22a1772c37718fc0e20e128a89e4777877f943ded6
)
SELECT DATEADD('day', 1 - DAYOFWEEKISO("t"."sold_on"), "t"."sold_on") AS "d",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY DATEADD('day', 1 - DAYOFWEEKISO("t"."sold_on"), "t"."sold_on")
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: a number for a text
-- in a share: sha256:b45f3df34140934d01f79926ebdd720d4b1a31301185e54b29a2e8cdbdb52247
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
WHERE "s"."age" = TO_VARCHAR(CAST({{ from_week }} AS NUMBER(38, 0)))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: a text for a number
-- in a share: sha256:69746da89f5edfd3bb304e22c447e086ee7c7ac89e3f63417d09f506c5c41235
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."sold_on" >= TO_DATE('2026-01-01', 'YYYY-MM-DD')
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: as places of rounding
-- in a share: sha256:da245ac13bfb3b72d71e6723cf825bfbe403571e2d8e6b61f32e0a61be7d0a86
)
SELECT ROUND(CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END * 10) / 10 AS "a"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- parameters: as OFFSET
-- in a share: sha256:250f639407cee5395708ba6e1d328b0b131c9eabc19928c25956b1ea010913bd
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
LIMIT NULL
OFFSET 3

-- set-operations: UNION
-- in a share: sha256:2e215a430ceb8dc6d8d7015ba82ebeef9a34053338b453bd7ec73a50e4aa5498
)
SELECT "exposures"."campaign" AS "campaign",
       COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" > 3
GROUP BY "exposures"."campaign"

-- set-operations: UNION ALL of released and raw
-- in a share: sha256:60025cdcedf32e77d2b0f14e62f0d7a0a1addce8a47501873a86391e56009273
)
SELECT "exposures"."campaign" AS "campaign",
       COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
GROUP BY "exposures"."campaign"
ORDER BY "campaign" ASC NULLS LAST

-- set-operations: INTERSECT of keys
-- in a share: sha256:a00e856f1c7fb7d8bb277a46a12899a90d8960f4ecd21addf1fca7b3382e22f2
)
SELECT COUNT(DISTINCT "s"."household") AS "shared"
FROM "airlock_sales" AS "s"
JOIN "airlock_exposures" AS "x" ON "s"."household" = "x"."household"
HAVING COUNT(DISTINCT "s"."household") >= 100

-- set-operations: EXCEPT of keys
-- in a share: sha256:c42ff928e4ddfcdd17251b60f3c6ce3ff01d0f624c212b642bbc65e9f3c51399
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "x"."household" IS NOT NULL THEN "s"."household" END) >= 100 THEN COUNT(DISTINCT "x"."household") END AS "reached",
       COUNT(DISTINCT "s"."household") AS "bought"
FROM "airlock_exposures" AS "x"
LEFT JOIN "airlock_sales" AS "s" ON "x"."household" = "s"."household"
HAVING COUNT(DISTINCT "s"."household") >= 100

-- set-operations: VALUES
-- in a share: sha256:8b17adac33d72a2a4aa0ce2616cd7dc2b2051aca67db99e9558f0e22ba1416b0
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" IN (1, 2)

-- set-operations: VALUES as a relation of guesses
-- in a share: sha256:f4da31b517ed932b3090458a0a4e2ce318c0067fc54d4685f5bd51c85bb2fac2
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN (
  SELECT "g"."household" AS "household"
  FROM "airlock_exposures" AS "g"
) AS "g" ON "t"."household" = "g"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- set-operations: UNION in a stage
-- in a share: sha256:45d202585baeb4963b40b434e1e20cbe651ad4a41e61c0c48b3f6aa32f8134c5
), "u" AS (
  SELECT "exposures"."household" AS "household"
  FROM "airlock_exposures" AS "exposures"
)
SELECT COUNT(*) AS "n"
FROM "u" AS "u"

-- set-operations: UNION in a derived table
-- in a share: sha256:fce0756c678295591523004e4932b8c5d9390fdee0a76b5f83abe035356acc84
)
SELECT COUNT(*) AS "n"
FROM (
  SELECT "exposures"."household" AS "household",
         "exposures"."campaign" AS "campaign"
  FROM "airlock_exposures" AS "exposures"
) AS "u"

-- set-operations: a recursive stage
-- in a share: sha256:d238858d9def06f836cba59c07d595d67ce50fe8ad30dcd494e6159b4cf31467
), "r" AS (
  SELECT "exposures"."household" AS "household",
         ("exposures"."campaign" + 1) AS "i"
  FROM "airlock_exposures" AS "exposures"
)
SELECT "r"."i" AS "i",
       COUNT(*) AS "n"
FROM "r" AS "r"
GROUP BY "r"."i"

-- set-operations: ROLLUP
-- in a share: sha256:5e611a04ad09059b36bd54537605b9f93f32478df79a7afb76c027b61ed8df10
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- set-operations: CUBE
-- in a share: sha256:40884b97419bd6d256e82c1cda4df613fc2904a77840fd83145ed7e1a9044988
)
SELECT "e"."campaign" AS "campaign",
       "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "e"."campaign", "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- set-operations: GROUPING SETS
-- in a share: sha256:f284235d17a78a7216730050ae8ca8d1dcd499f67cf5533e8f69d1213a1cf751
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "total"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- set-operations: WITH ROLLUP
-- in a share: sha256:b24478a451c060a55a63eff7f249e44b233ada7ae1f289b1f8f2f0bfdc1aeab1
)
SELECT "t"."week" AS "wk",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- set-operations: WITH TOTALS
-- in a share: sha256:8ede998440056271705c0682f05851a86eecbd3b703c3b6f201792e88f08aeb9
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
), "a" AS (
  SELECT COUNT(*) AS "total"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       "w"."n" AS "n",
       "a"."total" AS "total"
FROM "w" AS "w"
CROSS JOIN "a" AS "a"

-- set-operations: GROUP BY ALL
-- in a share: sha256:b73a82549f11aae07445b7769604447d63d1e6ce4d84339c7a996b6112849513
)
SELECT "t"."week" AS "all_weeks",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- set-operations: ORDER BY ALL
-- in a share: sha256:ccbe44b57d56153eaca11cfb361b42ffb1dbaa46865dcf5b1011cb94f01422de
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "week" ASC NULLS LAST, "n" ASC NULLS LAST

-- staged-aggregation: the entity dropped
-- in a share: sha256:cdad82be11e7172868b8dccf41aa7a4d0a28a6f518ac27aa6390ef5ffbcba74f
), "w" AS (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week",
         "t"."amount" AS "amount"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT "w"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "w"."amount" IS NOT NULL THEN "w"."household" END) >= 100 THEN SUM("w"."amount") END AS "s"
FROM "w" AS "w"
GROUP BY "w"."week"
HAVING COUNT(DISTINCT "w"."household") >= 100

-- staged-aggregation: the entity dropped two stages before
-- in a share: sha256:833a6c6cb25321e0bd91ab921d76c4236eff6250d49254104c79d38e9777e0eb
), "a" AS (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
), "b" AS (
  SELECT "a"."household" AS "household",
         "a"."week" AS "week"
  FROM "a" AS "a"
)
SELECT "b"."week" AS "week",
       COUNT(*) AS "n"
FROM "b" AS "b"
GROUP BY "b"."week"
HAVING COUNT(DISTINCT "b"."household") >= 100

-- staged-aggregation: the entity of the optional side dropped
-- in a share: sha256:2809f3a2aa22ca55ee93ca15dba10e481625f957d277b6b515b7a263d2aa299a
), "a" AS (
  SELECT "t"."household" AS "household",
         "e"."campaign" AS "campaign",
         "t"."week" AS "week"
  FROM "airlock_exposures" AS "e"
  LEFT JOIN "airlock_sales" AS "t" ON "e"."household" = "t"."household"
)
SELECT "a"."week" AS "week",
       COUNT(*) AS "n"
FROM "a" AS "a"
GROUP BY "a"."week"
HAVING COUNT(DISTINCT "a"."household") >= 100

-- staged-aggregation: rows counted as entities
-- in a share: sha256:57616fe5fe45c2ac2a5996c39d1ab8bf052ef841690dcd501745a7fec8f561b3
), "a" AS (
  SELECT "e"."campaign" AS "household",
         "t"."household" AS "id"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT "a"."household" AS "household",
       COUNT(DISTINCT "a"."id") AS "n"
FROM "a" AS "a"
GROUP BY "a"."household"
HAVING COUNT(DISTINCT "a"."id") >= 100

-- staged-aggregation: the greatest per-entity count
-- in a share: sha256:c5a2c0f549bd9ee4a4571abd752bfed946373b7f1e22873d9318fd567ce37666
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "per"."n" IS NOT NULL THEN "per"."household" END) >= 100 THEN CAST(SUM("per"."n") AS FLOAT) / NULLIF(COUNT("per"."n"), 0) END AS "m"
FROM "per" AS "per"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: the least per-entity count
-- in a share: sha256:4bb861437064de8c57405f6188c4e9c14b46c5f9d033f748eed1e95b2e1c904e
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "per"."n" IS NOT NULL THEN "per"."household" END) >= 100 THEN SUM("per"."n") END AS "m"
FROM "per" AS "per"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: the greatest per-entity sum
-- in a share: sha256:16313631a7283422772ba31c037c8f61fe9ec609576aa992131d8f194ce6240b
), "per" AS (
  SELECT "t"."household" AS "household",
         SUM("t"."amount") AS "s"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "per"."s" IS NOT NULL THEN "per"."household" END) >= 100 THEN AVG("per"."s") END AS "m"
FROM "per" AS "per"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: the average where only sums are agreed
-- in a share: sha256:fd2a08c3d9d9dd4c8e572efa29a428a7af4829feac142059e2ab762cae9da205
), "per" AS (
  SELECT "t"."household" AS "household",
         SUM("t"."quantity") AS "s"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "per"."s" IS NOT NULL THEN "per"."household" END) >= 100 THEN SUM("per"."s") END AS "m"
FROM "per" AS "per"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: a flag of one entity added up
-- in a share: sha256:9ceae62fd4f2ac2266f642e5f6122e8266f66c3d9bdf9f8175a0c9bd27593dff
), "per" AS (
  SELECT "t"."household" AS "household",
         CASE WHEN COUNT(*) > 3 THEN 1 ELSE 0 END AS "f"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."f" AS "f",
       COUNT(DISTINCT "per"."household") AS "m"
FROM "per" AS "per"
GROUP BY "per"."f"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: a flag of one entity counted
-- in a share: sha256:5b9c04ed159bb355d27c7a3be02c640c174ce699ec3fa9d179d185be0ef59c4d
), "per" AS (
  SELECT "t"."household" AS "household",
         NULLIF(COUNT(*), 1) AS "f"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."f" AS "f",
       COUNT(*) AS "m"
FROM "per" AS "per"
GROUP BY "per"."f"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: powers of a per-entity count
-- in a share: sha256:2a0aa11726ef0b30542e2611c6c8703c061c14e6873025e7f2a38a78485ff660
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "per"."n" IS NOT NULL THEN "per"."household" END) >= 100 THEN SUM("per"."n") END AS "m",
       COUNT(*) AS "people"
FROM "per" AS "per"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: a dimension made a flag and counted
-- in a share: sha256:c6f41c24fe678309c1b5ec2abdb22d5f9783efeaf2d149e9641a7004493a7403
), "a" AS (
  SELECT "t"."household" AS "household",
         NULLIF("t"."week", 5) AS "f"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT "a"."f" AS "f",
       COUNT(*) AS "m"
FROM "a" AS "a"
GROUP BY "a"."f"
HAVING COUNT(DISTINCT "a"."household") >= 100

-- staged-aggregation: a key as a per-entity value
-- in a share: sha256:43473a299f5accf6cb6db9664602830b407c06f11ab93ae5f5b11e26080162f3
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(DISTINCT "e"."household") AS "h"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "per"."h" AS "h",
       COUNT(*) AS "n"
FROM "per" AS "per"
GROUP BY "per"."h"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: a measure as a group of an entity
-- in a share: sha256:eb9ffc77a1b9867c98930b0ade265d195abb6ae7bbd3f3edbe790899ef16b113
), "per" AS (
  SELECT "t"."household" AS "household",
         "t"."week" AS "week"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household", "t"."week"
)
SELECT "per"."week" AS "week",
       COUNT(*) AS "n"
FROM "per" AS "per"
GROUP BY "per"."week"
HAVING COUNT(DISTINCT "per"."household") >= 100

-- staged-aggregation: an aggregate as a group
-- in a share: sha256:d2648bb3c248d70422f03ca70115ba5da2984b578e94d28ecbd34cb6fbee9ae8
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."sold_on"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- staged-aggregation: an aggregate in WHERE
-- in a share: sha256:035335278054d1323da038dcb55862e5496b27f05186308a7d471a3f963803a5
)
SELECT "airlock_stage"."n" AS "n"
FROM (
  SELECT COUNT(*) AS "n",
         COUNT(*) > 5 AS "airlock_having"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  HAVING COUNT(DISTINCT "t"."household") >= 100
) AS "airlock_stage"
WHERE "airlock_stage"."airlock_having"

-- staged-aggregation: a column that is not a group
-- in a share: sha256:659727dc15e824fa53c8146725dad792f177c9c2e0571021963e1a323d065958
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week", "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- staged-aggregation: a column that is not a group, computed
-- in a share: sha256:57b845ec8b58b78b3b66ff1ed1bc771df9033554a79eb8c275a29727f2fa8fc3
)
SELECT ("t"."week" + "e"."campaign") AS "x",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY ("t"."week" + "e"."campaign")
HAVING COUNT(DISTINCT "t"."household") >= 100

-- staged-aggregation: a constant as a group
-- in a share: sha256:59a15c40579219c640a92a7174e6baf60b9a4c081a1defb1e15de2122f3bd881
)
SELECT 'all' AS "g",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- staged-aggregation: a per-entity stage twice removed
-- in a share: sha256:fab6fb3c91d9210da3738a0e8b92f47d3c51405770676a99ff4f9c4e4068da5d
), "per" AS (
  SELECT "t"."household" AS "household",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
), "x" AS (
  SELECT "per"."household" AS "household",
         "per"."n" AS "value"
  FROM "per" AS "per"
)
SELECT "x"."value" AS "value",
       COUNT(*) AS "people"
FROM "x" AS "x"
GROUP BY "x"."value"
HAVING COUNT(DISTINCT "x"."household") >= 100

-- staged-aggregation: ordered by what is not shown
-- in a share: sha256:e039c7d875d5c42d4f85c8e84303dceef2565089be5288f1f934c679bed649f6
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "n" DESC NULLS LAST

-- staged-aggregation: ordered by an expression
-- in a share: sha256:83a3196418c426795379b474a4d1398f1ad362142520c7a95d21a595a3c5b9de
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "week" DESC NULLS LAST, "n" ASC NULLS LAST

-- staged-aggregation: an untyped NULL
-- in a share: sha256:c57959d644560fa7879868852cbe123c8ba954b2ab9c4c3cef7ece517b62730e
)
SELECT CAST(NULL AS NUMBER(38, 0)) AS "x",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- staged-aggregation: a text that doubles with every stage
-- in a share: sha256:fb4dd788523136ab172fb9e90cb28e811f4cc807ceea730f38f0c06178f5bbc6
), "d0" AS (
  SELECT "shoppers"."household" AS "household",
         "shoppers"."age" AS "s"
  FROM "airlock_shoppers" AS "shoppers"
), "d1" AS (
  SELECT "d0"."household" AS "household",
         ("d0"."s" || 'x') AS "s"
  FROM "d0" AS "d0"
), "d2" AS (
  SELECT "d1"."household" AS "household",
         ("d1"."s" || 'x') AS "s"
  FROM "d1" AS "d1"
), "d3" AS (
  SELECT "d2"."household" AS "household",
         ("d2"."s" || 'x') AS "s"
  FROM "d2" AS "d2"
), "d4" AS (
  SELECT "d3"."household" AS "household",
         ("d3"."s" || 'x') AS "s"
  FROM "d3" AS "d3"
), "d5" AS (
  SELECT "d4"."household" AS "household",
         ("d4"."s" || 'x') AS "s"
  FROM "d4" AS "d4"
), "d6" AS (
  SELECT "d5"."household" AS "household",
         ("d5"."s" || 'x') AS "s"
  FROM "d5" AS "d5"
), "d7" AS (
  SELECT "d6"."household" AS "household",
         ("d6"."s" || 'x') AS "s"
  FROM "d6" AS "d6"
), "d8" AS (
  SELECT "d7"."household" AS "household",
         ("d7"."s" || 'x') AS "s"
  FROM "d7" AS "d7"
), "d9" AS (
  SELECT "d8"."household" AS "household",
         ("d8"."s" || 'x') AS "s"
  FROM "d8" AS "d8"
), "d10" AS (
  SELECT "d9"."household" AS "household",
         ("d9"."s" || 'x') AS "s"
  FROM "d9" AS "d9"
), "d11" AS (
  SELECT "d10"."household" AS "household",
         ("d10"."s" || 'x') AS "s"
  FROM "d10" AS "d10"
)
SELECT "d11"."s" AS "s",
       COUNT(DISTINCT "d11"."household") AS "n"
FROM "d11" AS "d11"
JOIN "airlock_exposures" AS "e" ON "d11"."household" = "e"."household"
GROUP BY "d11"."s"
HAVING COUNT(DISTINCT "d11"."household") >= 50

-- staged-aggregation: a constant of a stage as a group beside its entity
-- in a share: sha256:f18c9259a67bb48c46bf9e909cbe209ce8a5adf97d4c9dc07d621772fbbbd8ec
), "s" AS (
  SELECT "t"."household" AS "household",
         'all' AS "kind",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "s"."kind" AS "kind",
       COUNT(*) AS "people"
FROM "s" AS "s"
GROUP BY "s"."kind"
HAVING COUNT(DISTINCT "s"."household") >= 100

-- staged-aggregation: an alias in HAVING before the threshold
-- in a share: sha256:9fb17af014343ce40f22c4efdd5724c0da86fcaf01d7935bd1e6d8afd1b1c207
)
SELECT "airlock_stage"."week" AS "week",
       "airlock_stage"."n" AS "n"
FROM (
  SELECT "t"."week" AS "week",
         COUNT(DISTINCT "t"."household") AS "n",
         (COUNT(DISTINCT "t"."household") > 3 AND COUNT(*) > COUNT(DISTINCT "t"."household")) AS "airlock_having"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
) AS "airlock_stage"
WHERE "airlock_stage"."airlock_having"

-- staged-aggregation: a count of a constant that is not a number
-- in a share: sha256:5e611a04ad09059b36bd54537605b9f93f32478df79a7afb76c027b61ed8df10
)
SELECT "t"."week" AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: DROP
-- in a share: sha256:4c0c9a92a2aef5f2ffd68c0bb1a8c58c013b6c9a7e3eb8cc2d89eb098c48d66c
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "amount"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: INSERT
-- in a share: sha256:e550035fe67d226a912b08fed2a114c820fce896098d7cf26b8835ddcf4489b7
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "value"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: COPY TO
-- in a share: sha256:50968ff013516b1300394eda6dbf0455e93a57024a869d98e18114e979359a8c
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "mean"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: COPY of a query
-- in a share: sha256:8fac1ad36aa498361168e9b512ee6916c12365c86d99a916bc1efd1a7227caef
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "mean",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: SET
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN MAX("t"."price") END AS "a"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: CREATE TABLE
-- in a share: sha256:298be05656a403b87a2234356ae79fca2d726e661be7c87f4047101cc18a5c49
)
SELECT "t"."week" AS "x",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."price") END AS "p"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: CREATE EXTERNAL TABLE
-- in a share: sha256:e3d372620cecf8c8bac11500f553823ffcd3b8528fcf30499b736d98a14eeaef
)
SELECT "e"."campaign" AS "x",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."price") END AS "p"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: CREATE VIEW
-- in a share: sha256:ab04b91d97a74845ef3b9c2e31ed6a23a4604d92eca8a53796a5cd5abcc8809c
), "v" AS (
  SELECT "t"."household" AS "household"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
)
SELECT COUNT(DISTINCT "v"."household") AS "n"
FROM "v" AS "v"
HAVING COUNT(DISTINCT "v"."household") >= 100

-- statements-and-syntax: CREATE FUNCTION
-- in a share: sha256:65e234630899a03f8a82617754d299c7c1e1f85b872b6725764173dabfea31c1
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "f"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: EXPLAIN
-- in a share: sha256:11204a4722af17bd4d577eca104d03677b10ff46a884f1d600489427f5cdcac6
)
SELECT "t"."week" AS "explain",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: EXPLAIN ANALYZE
-- in a share: sha256:05e808ff95af3fa0558acba43bbcc55123ed17921e1bcdcea31c59974b65de02
)
SELECT COUNT(*) AS "analyze_rows"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: SHOW
-- in a share: sha256:40fd5a3548562e6901fd2e87a7ffaa00b54073f53e72811453ce51a7440a4312
)
SELECT COUNT(*) AS "tables"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: DESCRIBE
-- in a share: sha256:148a47e1106859e5f80a503c3658e64a76de289488ef3d39dc5dcd42f6c6014e
)
SELECT COUNT(DISTINCT "t"."household") AS "describe_households"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: PRAGMA
-- in a share: sha256:7dd9d7f9c49a8c43ba553a32b82db450dd2d1e2ce9d1de49df4db6005165aff4
)
SELECT COUNT(*) AS "info"
FROM "airlock_exposures" AS "e"
JOIN "airlock_sales" AS "t" ON "e"."household" = "t"."household"
HAVING COUNT(DISTINCT "e"."household") >= 100

-- statements-and-syntax: ATTACH
-- in a share: sha256:979e33f303386507396c0515f19e02ad2d3e6265e2b1c90c37846395274767ce
)
SELECT COUNT(*) AS "evil"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: DELETE
-- in a share: sha256:6db94d011f1c494b8cd83dc1accee4cc21ee7e0d3306b37f6c8ccf22fea285d9
)
SELECT "t"."week" AS "week",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN AVG("t"."amount") END AS "mean"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: UPDATE
-- in a share: sha256:1ad3787bab90e2d2f25c8daf4a646793ca1a570a6e34626710948fd116bb764f
)
SELECT 1 AS "week",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = 1
HAVING COUNT(DISTINCT "t"."household") >= 100

-- statements-and-syntax: MERGE
-- in a share: sha256:fa6274af9027488bf19a91062c55688147aebca03adfb9d4b0afff65b689b2ff
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "sales"
JOIN "airlock_exposures" AS "exposures" ON "sales"."household" = "exposures"."household"
HAVING COUNT(DISTINCT "sales"."household") >= 100

-- statements-and-syntax: PREPARE
-- in a share: sha256:973634d7e54a46be8081b6a2a6b3e221eff9bfe131ed2d29eec07d4e8554e912
)
SELECT COUNT(*) AS "p"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: a transaction
-- in a share: sha256:e81da89bff6046a0d9a551a1e822f202da0329fdf4c6504e243d0a56f92dcea2
)
SELECT COUNT(*) AS "begun"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: GRANT
-- in a share: sha256:e72e011b5cb043517eb287f1473be9078584cb2c720866f128db54af04b29ba0
)
SELECT COUNT(*) AS "granted"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: two statements
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: a statement after a comment
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: nothing but a comment
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: a condition hidden by a comment
-- in a share: sha256:aa7e6e859568d5ee6a30a8f457fb5ab977502b986afeffe325c336880bbbabb2
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = 1

-- statements-and-syntax: an empty text
-- in a share: sha256:f51f1af96022cc9eb3704a5cf76f024a99db48a5a9cd68d247956f5d3d104cca
)
SELECT COUNT(*) AS "empty_or_not"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: a bracketed SELECT
-- in a share: sha256:6826d7b921c422d90246b39e87ce75bea4b367aa16a5ab14024cd81a87e13c87
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: TABLE as a query
-- in a share: sha256:f1295fc101111a294ad26559eb77e03d01f27d9aef0a661ed75acb44df9b1127
)
SELECT "exposures"."campaign" AS "campaign"
FROM "airlock_exposures" AS "exposures"
GROUP BY "exposures"."campaign"

-- statements-and-syntax: FROM first
-- in a share: sha256:3941e12a487da6b66e47ea712ad0902d7d86ec9ce754a8d8155d148a577d90d6
)
SELECT "exposures"."campaign" AS "c"
FROM "airlock_exposures" AS "exposures"
GROUP BY "exposures"."campaign"

-- statements-and-syntax: SELECT INTO
-- in a share: sha256:7cb85e70526887425712e674341b31dd782d5e484b724d9623e16f099accac63
)
SELECT COUNT(*) AS "stolen"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: FOR UPDATE
-- in a share: sha256:5b6430f6942aa4ea0e58630fba3ace5fab396006b0d51c9acaddef67b949c785
)
SELECT COUNT(*) AS "for_update"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: a FORMAT clause
-- in a share: sha256:0f9f0369de95149559358b07a090a8efab8f85a8e9b1f3ded8e87e234fa6085d
)
SELECT COUNT(*) AS "csv"
FROM "airlock_exposures" AS "exposures"

-- statements-and-syntax: a SETTINGS clause
-- in a share: sha256:fe5af137226034eba791c61c4d52f93f10f114669ceb069c9a2617dedf09ce04
)
SELECT COUNT(*) AS "threads"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = 1

-- statements-and-syntax: a pipe
-- in a share: sha256:6f16f700068d9d36981d29881a9a623d43c33a74de9e2fd22e2f7e9963d92e3d
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
LIMIT 1

-- statements-and-syntax: a chain of operators
-- in a share: sha256:3151df4627de0d4f0fc26f5af6555a6ce7193178ecef8db70212c6575664d103
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE "exposures"."campaign" = (((((((1 + 1) + 1) + 1) + 1) + 1) + 1) + 1)

-- statements-and-syntax: a chain of OR
-- in a share: sha256:2e22f0008009e32cb5017e7cda0c0c14cb12362be02a06691980755158ef5787
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE (("exposures"."campaign" = 1 OR "exposures"."campaign" = 2) OR "exposures"."campaign" = 3)

-- statements-and-syntax: a tower of brackets
-- in a share: sha256:b9f085c4ccaa4fcad549e8e9c93d01c913ba426309139e4da7c15f2f51c05100
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE ("exposures"."campaign" = 1)

-- statements-and-syntax: a tower of CASE operands
-- in a share: sha256:16ff4d72fb2185ee5366c43c8056f0eaaed3bef233850c56a84326583e43055d
)
SELECT COUNT(*) AS "n"
FROM "airlock_exposures" AS "exposures"
WHERE CASE WHEN "exposures"."campaign" = 1 THEN 3 END = 3

-- subqueries: EXISTS
-- in a share: sha256:35dd1635488f08dfcbbfff1eededfef5c640824fcde966691abbb0fc76dfccde
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_exposures" AS "o" ON "t"."household" = "o"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: NOT EXISTS of the target
-- in a share: sha256:913e90e3f769b27d4f89abf6f8b82fe9739491420aafda7840a9896d84aad280
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
JOIN "airlock_sales" AS "s" ON "t"."household" = "s"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: IN a query
-- in a share: sha256:30c5af70bfb63f42c427b7cc63e31a0c4e1b2b217041f8b5305686a02b11f516
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" IN (CAST({{ from_week }} AS NUMBER(38, 0)), CAST({{ to_week }} AS NUMBER(38, 0)))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: NOT IN a query
-- in a share: sha256:a67b41a71beadf4b4751ab514ccd5a3ae5dd73e90eaba249b5a3d38cf7b72e83
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" NOT IN (1, 2, 3)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: a scalar in SELECT
-- Shares: MIN, MAX and matching by several keys over data with a threshold: the share's aggregation policy refuses them
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."price" IS NOT NULL THEN "t"."household" END) >= 100 THEN MAX("t"."price") END AS "m",
       COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: a scalar in WHERE
-- in a share: sha256:1624a4aa54bfd1560be8979e7dbdf59803e998016e1486ef1981309f6a2353da
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = (1 + 1)
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: a correlated scalar
-- in a share: sha256:12c06c03f2a779f8234c4925260737d8078f1a31de3778b1f712d9e22840421e
), "per" AS (
  SELECT "s"."household" AS "household",
         COUNT(*) AS "visits"
  FROM "airlock_sales" AS "s"
  JOIN "airlock_exposures" AS "x" ON "s"."household" = "x"."household"
  GROUP BY "s"."household"
)
SELECT "per"."visits" > 5 AS "regular",
       COUNT(*) AS "n"
FROM "per" AS "per"
GROUP BY "per"."visits" > 5
HAVING COUNT(DISTINCT "per"."household") >= 100

-- subqueries: a scalar in HAVING
-- in a share: sha256:4e8ed7658866a62d5a9a2728eeee0fad8462291fcc7e3f8658a963ffd8b46057
)
SELECT "airlock_stage"."week" AS "week",
       "airlock_stage"."n" AS "n"
FROM (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n",
         COUNT(*) > 1000 AS "airlock_having"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
) AS "airlock_stage"
WHERE "airlock_stage"."airlock_having"

-- subqueries: a scalar in GROUP BY
-- in a share: sha256:17aa88513c161727fb95636f25863a1e44f80f807e17a7a3599c74212c43e0dc
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
GROUP BY "t"."week"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: a scalar in a join
-- in a share: sha256:64e695b3972285b6382908aac8b475946e13b65730bdb0322094e0e070b3188f
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN (
  SELECT "exposures"."household" AS "household"
  FROM "airlock_exposures" AS "exposures"
) AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: a scalar in an aggregate
-- in a share: sha256:46c11ef632bd691a3f96defc1b10f16c4ffef0e545c7e2bfa9376bd274994ea1
)
SELECT CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: ANY of a query
-- in a share: sha256:cb8060021a28ef7559be6c37d65f814a5a2b26937629ff07386d5786b1ad0366
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" = "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: a list made of a query
-- in a share: sha256:0e03200f964f44450d6277a5e75b3d678d2176e3adb49cf2772bb8007797be16
)
SELECT COUNT(*) AS "n",
       COUNT(DISTINCT "t"."household") AS "v"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: IN UNNEST
-- in a share: sha256:d2a2c9ef9e88e97608b73e4b2bf1f51f80976c7a613db5dd10c51755f99f7e77
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" IN (1, 2, CAST({{ to_week }} AS NUMBER(38, 0)))
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: IN a list with a column
-- in a share: sha256:53fbb80f8980fd7ba77af7027e5e52fd39258751575fe9d12909a974ff2f43d6
)
SELECT COUNT(*) AS "n"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("t"."week" = 1 OR "t"."week" = "e"."campaign")
HAVING COUNT(DISTINCT "t"."household") >= 100

-- subqueries: WITH below the top
-- in a share: sha256:3a0f0809653701d3685c1e15015374d2492d9be86f9bcaacffcf6ef8cdabec70
), "i" AS (
  SELECT "exposures"."household" AS "household"
  FROM "airlock_exposures" AS "exposures"
)
SELECT COUNT(*) AS "n"
FROM (
  SELECT "i"."household" AS "household"
  FROM "i" AS "i"
) AS "x"

-- windows: over sales of one entity
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "s"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       SUM("w"."s") OVER (ORDER BY "w"."week" ASC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "running"
FROM "w" AS "w"

-- windows: lag to the row before
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "s"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       "w"."s" AS "s",
       MAX("w"."s") OVER () AS "best"
FROM "w" AS "w"

-- windows: in WHERE
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
), "r" AS (
  SELECT "w"."n" AS "n",
         ROW_NUMBER() OVER (ORDER BY "w"."week" ASC NULLS LAST) AS "place"
  FROM "w" AS "w"
)
SELECT "r"."n" AS "n"
FROM "r" AS "r"
WHERE "r"."place" <= 3

-- windows: as a group
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
), "r" AS (
  SELECT "w"."week" AS "week",
         DENSE_RANK() OVER (ORDER BY "w"."n" ASC NULLS LAST) AS "d"
  FROM "w" AS "w"
)
SELECT "r"."d" AS "d",
       COUNT(*) AS "weeks"
FROM "r" AS "r"
GROUP BY "r"."d"

-- windows: numbering entities
-- in a share: sha256:fdfbb0b45e4cf60551c7569a049eac5c74a114f40b7942707df4a7c3632a7309
), "a" AS (
  SELECT "t"."household" AS "household",
         COUNT(DISTINCT "t"."week") AS "r"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."household"
)
SELECT "a"."r" AS "r",
       COUNT(*) AS "n"
FROM "a" AS "a"
GROUP BY "a"."r"
HAVING COUNT(DISTINCT "a"."household") >= 100

-- windows: a frame
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       SUM("w"."n") OVER (ORDER BY "w"."week" ASC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "s"
FROM "w" AS "w"

-- windows: a named window
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       SUM("w"."n") OVER (ORDER BY "w"."week" DESC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "s"
FROM "w" AS "w"

-- windows: a function outside the list
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       RANK() OVER (ORDER BY "w"."n" ASC NULLS LAST) AS "s"
FROM "w" AS "w"

-- windows: DISTINCT in a window
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       AVG(CAST("w"."n" AS FLOAT)) OVER () AS "s"
FROM "w" AS "w"

-- windows: FILTER on a window
-- Shares: windows over data with a threshold: the share's aggregation policy refuses them
), "w" AS (
  SELECT "t"."week" AS "week",
         COUNT(*) AS "n"
  FROM "airlock_sales" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  GROUP BY "t"."week"
  HAVING COUNT(DISTINCT "t"."household") >= 100
)
SELECT "w"."week" AS "week",
       COUNT(*) OVER () AS "s"
FROM "w" AS "w"
WHERE "w"."n" > 5

