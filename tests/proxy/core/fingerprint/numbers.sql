--- same: the value of a whole number
SELECT x FROM t WHERE a = 1
SELECT x FROM t WHERE a = 12345
SELECT x FROM t WHERE a = 007
SELECT x FROM t WHERE a = 0
SELECT x FROM t WHERE a = 2147483647
SELECT x FROM t WHERE a = 00000000000000000000000000001

--- same: the value of a decimal
SELECT x FROM t WHERE a = 1.
SELECT x FROM t WHERE a = 1.5
SELECT x FROM t WHERE a = .5
SELECT x FROM t WHERE a = 1e10
SELECT x FROM t WHERE a = 1.5E-3
SELECT x FROM t WHERE a = .5e+3
SELECT x FROM t WHERE a = 1.e5

--- different: numbers of different types
SELECT x FROM t WHERE a = 1
SELECT x FROM t WHERE a = 1.0
SELECT x FROM t WHERE a = 3000000000
SELECT x FROM t WHERE a = 10000000000000000000
SELECT x FROM t WHERE a = '1'

--- same: eight bytes
SELECT x FROM t WHERE a = 2147483649
SELECT x FROM t WHERE a = 9223372036854775807

--- different: a minus sign makes these a size smaller
SELECT x FROM t WHERE a = -2147483648
SELECT x FROM t WHERE a = -2147483649
SELECT x FROM t WHERE a = -9223372036854775808
SELECT x FROM t WHERE a = -9223372036854775809

--- same: white space behind a sign
SELECT x FROM t WHERE a = -1
SELECT x FROM t WHERE a = - 2
SELECT x FROM t WHERE a = -/* c */3

--- different: signs
SELECT x FROM t WHERE a = 1
SELECT x FROM t WHERE a = -1
SELECT x FROM t WHERE a = +1
SELECT x FROM t WHERE a = - -1
SELECT x FROM t WHERE a = -(1)

--- same: minus between two operands
SELECT a -1 FROM t
SELECT a - 2 FROM t
SELECT a-3 FROM t

--- different: an alias is no operand
SELECT a -1 FROM t
SELECT a, -1 FROM t
SELECT 1 a FROM t
SELECT 1, a FROM t

--- different: spellings that only some servers know stay as they are
SELECT 0x1F FROM t
SELECT 0x2F FROM t
SELECT 0 x1F FROM t
SELECT 1_000 FROM t
SELECT 1_001 FROM t
SELECT 0b11 FROM t
SELECT 0o17 FROM t
SELECT 1000 FROM t

--- different: a field is not a fraction
SELECT a.1 FROM t
SELECT a.2 FROM t
SELECT a .1 FROM t WHERE b
SELECT a .2 FROM t WHERE b

--- exact: numbers with something behind them
SELECT 1a
SELECT 1e
SELECT 1e+
SELECT 1.5a
SELECT 0xg
SELECT 1__0
SELECT 1_
SELECT 1..10
SELECT 1.5.6
SELECT 1ä
SELECT 1$1
