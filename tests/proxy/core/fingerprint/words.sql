--- same: unquoted words are folded
SELECT Abc, ÄB FROM T
select abc, ÄB from t
sElEcT ABC, ÄB fRoM t

--- different: quotes keep case, and no quoted word is a keyword
SELECT abc FROM t
SELECT "abc" FROM t
SELECT "ABC" FROM t
SELECT "a""bc" FROM t
SELECT "a" "bc" FROM t
SELECT 'abc' FROM t

--- different: TRUE, FALSE and NULL are words, not values
SELECT x FROM t WHERE a = true
SELECT x FROM t WHERE a = false
SELECT x FROM t WHERE a = null
SELECT x FROM t WHERE a = "true"
SELECT x FROM t WHERE a = 'true'

--- different: letters above ASCII stay as they are
SELECT ä FROM t
SELECT Ä FROM t
SELECT ö FROM t

--- different: a dollar sign belongs to the word before it
SELECT a$1 FROM t
SELECT a $1 FROM t
SELECT a$2 FROM t

--- different: words do not run together
SELECT ab FROM t
SELECT a b FROM t
SELECT a, b FROM t
SELECT a.b FROM t
SELECT a . b . c FROM t

--- same: white space around a dot
SELECT a.b FROM t
SELECT a . b FROM t

--- different: parameters by number
SELECT $1 FROM t
SELECT $2 FROM t
SELECT $12 FROM t
SELECT $1, $2 FROM t

--- different: the lengths of lists
SELECT x FROM t WHERE a IN (1)
SELECT x FROM t WHERE a IN (1, 2)
SELECT x FROM t WHERE a IN (1, 2, 3)
INSERT INTO t VALUES (1)
INSERT INTO t VALUES (1), (2)
INSERT INTO t VALUES (1, 2)

--- exact: names in disguise, and characters PostgreSQL has no token for
SELECT U&"\0061" FROM t
SELECT U&"d!0061t" UESCAPE '!' FROM t
SELECT "a
SELECT a FROM t \g
SELECT {a}
SELECT $1a
