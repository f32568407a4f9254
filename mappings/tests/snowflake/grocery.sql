-- view exposures
SELECT CAST("campaign_id" AS NUMBER(38, 0)) AS "campaign",
       CASE WHEN OCTET_LENGTH(CAST("household_id" AS VARCHAR)) BETWEEN 1 AND 1024 THEN SHA2(CAST("household_id" AS VARCHAR), 256) END AS "household"
FROM "SHARED"."PUBLIC"."exposures"

-- view shoppers
SELECT CAST("age" AS VARCHAR) AS "age",
       CASE WHEN OCTET_LENGTH(CAST("household_id" AS VARCHAR)) BETWEEN 1 AND 1024 THEN SHA2(CAST("household_id" AS VARCHAR), 256) END AS "household",
       CAST("income" AS VARCHAR) AS "income"
FROM "SHARED"."PUBLIC"."shoppers"

-- view transactions
SELECT CAST("basket_id" AS NUMBER(38, 0)) AS "basket",
       CASE WHEN OCTET_LENGTH(CAST("household_id" AS VARCHAR)) BETWEEN 1 AND 1024 THEN SHA2(CAST("household_id" AS VARCHAR), 256) END AS "household",
       CAST("quantity" AS NUMBER(38, 0)) AS "quantity",
       CAST("sales_value" AS FLOAT) AS "sales_value",
       CAST("store_id" AS NUMBER(38, 0)) AS "store",
       CAST("week" AS NUMBER(38, 0)) AS "week"
FROM "SHARED"."PUBLIC"."transactions"

-- sales-by-age, Shares
WITH "airlock_exposures" AS (
  SELECT "campaign",
         "household"
  FROM "exposures"
  WHERE ? /* campaign */ >= 1
    AND ? /* campaign */ <= 27
    AND ? /* from_week */ >= 1
    AND ? /* from_week */ <= 53
    AND ? /* to_week */ >= 1
    AND ? /* to_week */ <= 53
), "airlock_shoppers" AS (
  SELECT "age",
         "household"
  FROM "shoppers"
  WHERE ? /* campaign */ >= 1
    AND ? /* campaign */ <= 27
    AND ? /* from_week */ >= 1
    AND ? /* from_week */ <= 53
    AND ? /* to_week */ >= 1
    AND ? /* to_week */ <= 53
), "airlock_transactions" AS (
  SELECT "basket",
         "household",
         "quantity",
         "sales_value",
         "week"
  FROM "transactions"
  WHERE ? /* campaign */ >= 1
    AND ? /* campaign */ <= 27
    AND ? /* from_week */ >= 1
    AND ? /* from_week */ <= 53
    AND ? /* to_week */ >= 1
    AND ? /* to_week */ <= 53
)
SELECT "s"."age" AS "age",
       COUNT(DISTINCT "t"."household") AS "households",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."basket" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "t"."basket") END AS "baskets",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "items",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."sales_value" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."sales_value") END AS "sales"
FROM "airlock_transactions" AS "t"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("e"."campaign" = ? /* campaign */ AND "t"."week" BETWEEN ? /* from_week */ AND ? /* to_week */)
GROUP BY "s"."age"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- sales-by-age, Collaboration
WITH "airlock_exposures" AS (
  SELECT "campaign",
         "household"
  FROM IDENTIFIER({{ preset_tables['exposures'] }})
  WHERE CAST({{ campaign }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ campaign }} AS NUMBER(38, 0)) <= 27
    AND CAST({{ from_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ from_week }} AS NUMBER(38, 0)) <= 53
    AND CAST({{ to_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ to_week }} AS NUMBER(38, 0)) <= 53
), "airlock_shoppers" AS (
  SELECT "age",
         "household"
  FROM IDENTIFIER({{ preset_tables['shoppers'] }})
  WHERE CAST({{ campaign }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ campaign }} AS NUMBER(38, 0)) <= 27
    AND CAST({{ from_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ from_week }} AS NUMBER(38, 0)) <= 53
    AND CAST({{ to_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ to_week }} AS NUMBER(38, 0)) <= 53
), "airlock_transactions" AS (
  SELECT "basket",
         "household",
         "quantity",
         "sales_value",
         "week"
  FROM IDENTIFIER({{ preset_tables['transactions'] }})
  WHERE CAST({{ campaign }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ campaign }} AS NUMBER(38, 0)) <= 27
    AND CAST({{ from_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ from_week }} AS NUMBER(38, 0)) <= 53
    AND CAST({{ to_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ to_week }} AS NUMBER(38, 0)) <= 53
)
SELECT "s"."age" AS "age",
       COUNT(DISTINCT "t"."household") AS "households",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."basket" IS NOT NULL THEN "t"."household" END) >= 100 THEN COUNT(DISTINCT "t"."basket") END AS "baskets",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."quantity" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."quantity") END AS "items",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."sales_value" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."sales_value") END AS "sales"
FROM "airlock_transactions" AS "t"
JOIN "airlock_shoppers" AS "s" ON "t"."household" = "s"."household"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("e"."campaign" = CAST({{ campaign }} AS NUMBER(38, 0)) AND "t"."week" BETWEEN CAST({{ from_week }} AS NUMBER(38, 0)) AND CAST({{ to_week }} AS NUMBER(38, 0)))
GROUP BY "s"."age"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- sales-by-campaign, Shares
WITH "airlock_exposures" AS (
  SELECT "campaign",
         "household"
  FROM "exposures"
  WHERE ? /* from_week */ >= 1
    AND ? /* from_week */ <= 53
    AND ? /* to_week */ >= 1
    AND ? /* to_week */ <= 53
), "airlock_transactions" AS (
  SELECT "household",
         "sales_value",
         "week"
  FROM "transactions"
  WHERE ? /* from_week */ >= 1
    AND ? /* from_week */ <= 53
    AND ? /* to_week */ >= 1
    AND ? /* to_week */ <= 53
)
SELECT "e"."campaign" AS "campaign",
       COUNT(DISTINCT "t"."household") AS "households",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."sales_value" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."sales_value") END AS "sales"
FROM "airlock_transactions" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" BETWEEN ? /* from_week */ AND ? /* to_week */
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- sales-by-campaign, Collaboration
WITH "airlock_exposures" AS (
  SELECT "campaign",
         "household"
  FROM IDENTIFIER({{ preset_tables['exposures'] }})
  WHERE CAST({{ from_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ from_week }} AS NUMBER(38, 0)) <= 53
    AND CAST({{ to_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ to_week }} AS NUMBER(38, 0)) <= 53
), "airlock_transactions" AS (
  SELECT "household",
         "sales_value",
         "week"
  FROM IDENTIFIER({{ preset_tables['transactions'] }})
  WHERE CAST({{ from_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ from_week }} AS NUMBER(38, 0)) <= 53
    AND CAST({{ to_week }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ to_week }} AS NUMBER(38, 0)) <= 53
)
SELECT "e"."campaign" AS "campaign",
       COUNT(DISTINCT "t"."household") AS "households",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."sales_value" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."sales_value") END AS "sales"
FROM "airlock_transactions" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" BETWEEN CAST({{ from_week }} AS NUMBER(38, 0)) AND CAST({{ to_week }} AS NUMBER(38, 0))
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100

-- shopping-frequency, Shares
WITH "airlock_exposures" AS (
  SELECT "campaign",
         "household"
  FROM "exposures"
  WHERE ? /* campaign */ >= 1
    AND ? /* campaign */ <= 27
), "airlock_transactions" AS (
  SELECT "basket",
         "household",
         "sales_value"
  FROM "transactions"
  WHERE ? /* campaign */ >= 1
    AND ? /* campaign */ <= 27
), "visits" AS (
  SELECT "t"."household" AS "household",
         COUNT(DISTINCT "t"."basket") AS "trips",
         SUM("t"."sales_value") AS "sales"
  FROM "airlock_transactions" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  WHERE "e"."campaign" = ? /* campaign */
  GROUP BY "t"."household"
)
SELECT CASE WHEN "visits"."trips" < 25 THEN '1 to 24' WHEN "visits"."trips" < 50 THEN '25 to 49' WHEN "visits"."trips" < 100 THEN '50 to 99' WHEN "visits"."trips" < 200 THEN '100 to 199' ELSE '200 and more' END AS "visits_a_year",
       COUNT(*) AS "households",
       CASE WHEN COUNT(DISTINCT CASE WHEN "visits"."trips" IS NOT NULL THEN "visits"."household" END) >= 100 THEN SUM("visits"."trips") END AS "trips",
       CASE WHEN COUNT(DISTINCT CASE WHEN "visits"."sales" IS NOT NULL THEN "visits"."household" END) >= 100 THEN SUM("visits"."sales") END AS "sales"
FROM "visits" AS "visits"
GROUP BY CASE WHEN "visits"."trips" < 25 THEN '1 to 24' WHEN "visits"."trips" < 50 THEN '25 to 49' WHEN "visits"."trips" < 100 THEN '50 to 99' WHEN "visits"."trips" < 200 THEN '100 to 199' ELSE '200 and more' END
HAVING COUNT(DISTINCT "visits"."household") >= 100

-- shopping-frequency, Collaboration
WITH "airlock_exposures" AS (
  SELECT "campaign",
         "household"
  FROM IDENTIFIER({{ preset_tables['exposures'] }})
  WHERE CAST({{ campaign }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ campaign }} AS NUMBER(38, 0)) <= 27
), "airlock_transactions" AS (
  SELECT "basket",
         "household",
         "sales_value"
  FROM IDENTIFIER({{ preset_tables['transactions'] }})
  WHERE CAST({{ campaign }} AS NUMBER(38, 0)) >= 1
    AND CAST({{ campaign }} AS NUMBER(38, 0)) <= 27
), "visits" AS (
  SELECT "t"."household" AS "household",
         COUNT(DISTINCT "t"."basket") AS "trips",
         SUM("t"."sales_value") AS "sales"
  FROM "airlock_transactions" AS "t"
  JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
  WHERE "e"."campaign" = CAST({{ campaign }} AS NUMBER(38, 0))
  GROUP BY "t"."household"
)
SELECT CASE WHEN "visits"."trips" < 25 THEN '1 to 24' WHEN "visits"."trips" < 50 THEN '25 to 49' WHEN "visits"."trips" < 100 THEN '50 to 99' WHEN "visits"."trips" < 200 THEN '100 to 199' ELSE '200 and more' END AS "visits_a_year",
       COUNT(*) AS "households",
       CASE WHEN COUNT(DISTINCT CASE WHEN "visits"."trips" IS NOT NULL THEN "visits"."household" END) >= 100 THEN SUM("visits"."trips") END AS "trips",
       CASE WHEN COUNT(DISTINCT CASE WHEN "visits"."sales" IS NOT NULL THEN "visits"."household" END) >= 100 THEN SUM("visits"."sales") END AS "sales"
FROM "visits" AS "visits"
GROUP BY CASE WHEN "visits"."trips" < 25 THEN '1 to 24' WHEN "visits"."trips" < 50 THEN '25 to 49' WHEN "visits"."trips" < 100 THEN '50 to 99' WHEN "visits"."trips" < 200 THEN '100 to 199' ELSE '200 and more' END
HAVING COUNT(DISTINCT "visits"."household") >= 100

