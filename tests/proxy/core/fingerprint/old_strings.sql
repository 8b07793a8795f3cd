--- same: with standard_conforming_strings off a backslash escapes
SELECT x FROM t WHERE a = '\' OR b = '
SELECT x FROM t WHERE a = 'it\'s'
SELECT x FROM t WHERE a = '\\'

--- same: in national strings too
SELECT x FROM t WHERE a = N'\''
SELECT x FROM t WHERE a = n'b'

--- exact: what the server refuses then, or waits for the end of
SELECT U&'a'
SELECT '\'
