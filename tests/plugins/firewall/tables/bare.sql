-- rules: bare
--> deny commented
SELECT 1 -- and what stood here is gone
--> deny commented
SELECT/**/id/* x /* y */ */FROM/**/users
--> deny commented
/* hint */ UPDATE users SET name = '--' WHERE id = 1
--> deny commented
SELECT 1; -- nothing
--> deny commented possibly
SELECT 'never closed
--> allow otherwise
SELECT '--', "/* id */", $$ -- $$, 3 - -id FROM users
--> allow otherwise
SELECT 5 *-1, 4 / 2
