--- same: comments and white space
SELECT a, b FROM t WHERE c = 1
SELECT	a ,b FROM t WHERE c=2
/* x */ SELECT /* it's */ a/**/, /* /* nested */ */ b FROM/* " */t WHERE c = 3 -- end
-- first
  SELECT a, b -- $$
  FROM t
  WHERE c = 4
/*/ */SELECT a,b FROM t WHERE c=5/***/
/*+ SeqScan(t) */ SELECT a, b FROM t WHERE c = 5

--- different: a comment keeps words apart
SELECT a/**/b FROM t
SELECT ab FROM t

--- different: what a comment hides
SELECT a FROM t -- WHERE b = 1
SELECT a FROM t WHERE b = 1
SELECT a FROM t WHERE b = 1 AND c -- ; DELETE FROM t
SELECT a FROM t /* WHERE b = 1 */ WHERE c = 1

--- different: two signs are a comment, not two signs
SELECT a --1
  FROM t
SELECT a - -1
  FROM t

--- different: nested so that careless parsers end them elsewhere
SELECT a /* /*/* b */ */ */ FROM t
SELECT a /* /*/* c */ */ */ FROM t
SELECT a /* /* b */* c */ FROM t
SELECT a /*/* b */ c */ FROM t
SELECT a FROM t

--- exact: a comment without an end
SELECT a /* b
SELECT a /* /* */
SELECT a */* b
