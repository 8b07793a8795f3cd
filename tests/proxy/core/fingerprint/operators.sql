--- different: operators are read as long as possible
SELECT a<-b FROM t
SELECT a<b FROM t
SELECT a<@b FROM t
SELECT a< @b FROM t
SELECT a@-b FROM t
SELECT a@ -b FROM t
SELECT a||b FROM t
SELECT a| |b FROM t

--- same: plus and minus do not end an operator of SQL's own characters
SELECT a<-b FROM t
SELECT a < -b FROM t
SELECT a < - b FROM t

--- same: nor do many
SELECT a*+-+b FROM t
SELECT a * + - + b FROM t

--- different: other characters let them
SELECT a@-b FROM t
SELECT a@ -b FROM t
SELECT a - @b FROM t

--- same: a comment ends an operator
SELECT a +/* c */ b FROM t
SELECT a + b FROM t
SELECT a +-- c
  b FROM t

--- same: casts
SELECT a::int FROM t
SELECT a :: int FROM t

--- different: colons
SELECT a[b:c] FROM t
SELECT a[b::c] FROM t
SELECT a[b] FROM t
SELECT f(a => b) FROM t
SELECT f(a := b) FROM t
SELECT f(a = b) FROM t
SELECT f(a >= b) FROM t

--- different: two spellings of an operator are two texts
SELECT x FROM t WHERE a <> b
SELECT x FROM t WHERE a != b
SELECT x FROM t WHERE a < > b

--- different: a question mark is an operator
SELECT x FROM t WHERE a ? b
SELECT x FROM t WHERE a ?| b
SELECT x FROM t WHERE a ?& b
SELECT x FROM t WHERE a b

--- exact: brackets that do not close, and points that belong to no one
SELECT (a
  ; SELECT b)
SELECT a)
SELECT a]
SELECT a..b
