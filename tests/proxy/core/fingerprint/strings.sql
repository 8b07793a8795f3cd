--- same: the value of a string
SELECT x FROM t WHERE a = 'b'
SELECT x FROM t WHERE a = ''
SELECT x FROM t WHERE a = 'it''s'
SELECT x FROM t WHERE a = '-- no comment'
SELECT x FROM t WHERE a = '/* no comment'
SELECT x FROM t WHERE a = '\'
SELECT x FROM t WHERE a = '$$'
SELECT x FROM t WHERE a = 'ü; DROP TABLE t'

--- different: kinds of strings
SELECT x FROM t WHERE a = 'b'
SELECT x FROM t WHERE a = E'b'
SELECT x FROM t WHERE a = N'b'
SELECT x FROM t WHERE a = U&'b'
SELECT x FROM t WHERE a = $$b$$
SELECT x FROM t WHERE a = b'1'
SELECT x FROM t WHERE a = x'1'
SELECT x FROM t WHERE a = 1
SELECT x FROM t WHERE a = e
SELECT x FROM t WHERE a = "b"
SELECT x FROM t WHERE a = E 'b'

--- same: a backslash escapes in E'' only
SELECT x FROM t WHERE a = E'\' OR b = '
SELECT x FROM t WHERE a = e'it\'s'
SELECT x FROM t WHERE a = E'\\'

--- different: where a quote ends
SELECT x FROM t WHERE a = E'\' OR b = '
SELECT x FROM t WHERE a = '\' OR b = 'c'

--- same: dollar quotes, whatever their tag
SELECT x FROM t WHERE a = $$b$$
SELECT x FROM t WHERE a = $q$b$q$
SELECT x FROM t WHERE a = $q$ $$ ' -- $Q$ $q$
SELECT x FROM t WHERE a = $ä_1$ $a$ $ä_1$
SELECT x FROM t WHERE a = $$
  $a$ $ $$

--- different: two strings are not one
SELECT x FROM t WHERE a = 'b' 'c'
SELECT x FROM t WHERE a = 'b'
SELECT x FROM t WHERE a = 'b', 'c'

--- different: a string continued over comments and several lines stays as it is spelt
SELECT x FROM t WHERE a = 'b'
SELECT x FROM t WHERE a = 'b' -- one
  -- two
  'c'
  ''
  'd'
SELECT x FROM t WHERE a = 'b' -- one
  -- two
  'c'
  ''
  'e'
SELECT x FROM t WHERE a = E'a'
  '\'b'
SELECT x FROM t WHERE a = E'a'
  '\'c'

--- same: bits
SELECT x FROM t WHERE a = b'01'
SELECT x FROM t WHERE a = B'1'

--- same: hexadecimal bits
SELECT x FROM t WHERE a = x'1f'
SELECT x FROM t WHERE a = X'00'

--- different: what escapes decides what a string is
SELECT x FROM t WHERE a = U&'!0061' UESCAPE '!'
SELECT x FROM t WHERE a = U&'!0061' UESCAPE '+'
SELECT x FROM t WHERE a = U&'!0061'

--- exact: without an end
SELECT 'a
SELECT E'\'
SELECT $$a
SELECT $a$a$A$
SELECT $a
SELECT b'1
SELECT 'a''
SELECT b'1''0'
SELECT x'1''f'
