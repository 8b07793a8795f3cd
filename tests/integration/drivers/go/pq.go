package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
)

func pqProgram() {
	for _, parameters := range []string{"", "binary_parameters=yes"} {
		for _, part := range []func(*sql.DB){
			pqTypes, pqPrepared, pqBatches, pqCopy, pqErrors, pqCancel, pqTransactions, pqBigRows,
		} {
			connector, err := pq.NewConnector(parameters)
			must(err)
			noticing := pq.ConnectorWithNoticeHandler(connector, func(notice *pq.Error) {
				say("notice", notice.Severity, notice.Message)
			})
			db := sql.OpenDB(noticing)
			db.SetMaxOpenConns(1)
			part(db)
			must(db.Close())
		}
	}
	pqNotifications()
}

func pqTold(result sql.Result, err error) {
	var refused *pq.Error
	switch {
	case err == nil && result != nil:
		count, err := result.RowsAffected()
		say(count, err)
	case err == nil:
		say("done")
	case errors.As(err, &refused):
		say("refused", refused.Severity, refused.Code, refused.Message, refused.Detail, refused.Hint, refused.Position,
			refused.Where, refused.Schema, refused.Table, refused.Column, refused.Constraint)
	default:
		must(err)
	}
}

func pqRows(rows *sql.Rows, err error) {
	if err != nil {
		pqTold(nil, err)
		return
	}
	defer rows.Close()
	for {
		columns, err := rows.ColumnTypes()
		must(err)
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for index, column := range columns {
			say("column", column.Name(), column.DatabaseTypeName())
			places[index] = &values[index]
		}
		for rows.Next() {
			must(rows.Scan(places...))
			for index, value := range values {
				switch found := value.(type) {
				case []byte:
					values[index] = string(found)
				case time.Time:
					values[index] = found.UTC().Format(time.RFC3339Nano)
				}
			}
			say(values...)
		}
		if !rows.NextResultSet() {
			break
		}
	}
	pqTold(nil, rows.Err())
}

func pqTypes(db *sql.DB) {
	section("types")
	pqRows(db.Query(`SELECT $1::int2, $2::int8, $3::float8, $4::numeric, $5::bool, $6::text, $7::bytea, $8::date,
		$9::timestamptz, $10::int[], $11::text[], $12::jsonb`,
		-7, int64(1)<<40, 1.5, "12.3400", true, "ünï\n'", []byte{0, 255}, "2024-02-29",
		time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC), pq.Array([]int64{1, 2}), pq.Array([]string{"a", "b"}), `{"a": [1]}`))
	pqRows(db.Query("SELECT $1::text, $2::int", nil, nil))
	pqRows(db.Query("SELECT 1 AS one; SELECT 'two' AS two, 3 AS three"))
	pqRows(db.Query("SELECT WHERE false"))
}

func pqPrepared(db *sql.DB) {
	section("prepared")
	for round := range 3 {
		var kept []*sql.Stmt
		for number := range 10 {
			statement, err := db.Prepare(fmt.Sprintf("SELECT %d, $1::int", number))
			must(err)
			kept = append(kept, statement)
		}
		for number, statement := range kept {
			pqRows(statement.Query(round * number))
			must(statement.Close())
		}
	}
	_, err := db.Prepare("SELECT no_such_column")
	pqTold(nil, err)
}

func pqBatches(db *sql.DB) {
	section("batches")
	pqTold(db.Exec("CREATE TABLE pq_batches (a int PRIMARY KEY)"))
	pqTold(db.Exec("INSERT INTO pq_batches VALUES (1); INSERT INTO pq_batches VALUES (2), (3)"))
	pqTold(db.Exec("INSERT INTO pq_batches VALUES (4); INSERT INTO pq_batches VALUES (1)"))
	pqTold(db.Exec("BEGIN; INSERT INTO pq_batches VALUES (5); ROLLBACK; INSERT INTO pq_batches VALUES (6)"))
	pqRows(db.Query("SELECT a FROM pq_batches ORDER BY a"))
	pqTold(db.Exec("DROP TABLE pq_batches"))
}

func pqCopy(db *sql.DB) {
	section("copy")
	pqTold(db.Exec("CREATE TABLE pq_copy (a int CHECK (a <> 13), b text)"))
	for _, from := range []int{100, 0} { // the second meets 13
		transaction, err := db.Begin()
		must(err)
		statement, err := transaction.Prepare(`COPY pq_copy (a, b) FROM STDIN`)
		must(err)
		for number := range 3000 {
			if _, err = statement.Exec(from+number, fmt.Sprint(number)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = statement.Exec()
		}
		pqTold(nil, err)
		_ = statement.Close()
		if err == nil {
			pqTold(nil, transaction.Commit())
		} else {
			pqTold(nil, transaction.Rollback())
		}
		pqRows(db.Query("SELECT count(*), sum(a) FROM pq_copy"))
	}
	pqTold(db.Exec("DROP TABLE pq_copy"))
}

func pqErrors(db *sql.DB) {
	section("errors")
	pqTold(db.Exec("CREATE TABLE pq_errors (a int CONSTRAINT positive CHECK (a > 0), b int NOT NULL, UNIQUE (b))"))
	pqTold(db.Exec("INSERT INTO pq_errors VALUES ($1, $2)", 1, 1))
	for _, wrong := range []string{
		"SELEC 1", "SELECT no_such", "SELECT 1/0", "INSERT INTO pq_errors VALUES (0, 2)",
		"INSERT INTO pq_errors VALUES (2, NULL)", "INSERT INTO pq_errors VALUES (2, 1)", "SELECT 1 +",
		"DO $$BEGIN RAISE NOTICE 'hello'; RAISE EXCEPTION 'mine' USING ERRCODE = 'MY001', HINT = 'a hint'; END$$",
	} {
		pqTold(db.Exec(wrong))
		pqRows(db.Query("SELECT $1::int", 1))
	}
	pqTold(db.Exec("SELECT $1::int / $2::int", 1, 0))
	pqTold(db.Exec("SELECT $1::int", "none"))
	pqTold(db.Exec("DROP TABLE pq_errors"))
}

func pqCancel(db *sql.DB) {
	section("cancel")
	for _, arguments := range [][]any{nil, {60}} {
		text := "SELECT pg_sleep(60)"
		if arguments != nil {
			text = "SELECT pg_sleep($1)"
		}
		limited, stop := context.WithTimeout(ctx, 400*time.Millisecond)
		_, err := db.ExecContext(limited, text, arguments...)
		stop()
		var refused *pq.Error
		say("cancelled", errors.As(err, &refused) && refused.Code == "57014" || errors.Is(err, context.DeadlineExceeded))
		pqRows(db.Query("SELECT 'still here'"))
	}
}

func pqTransactions(db *sql.DB) {
	section("transactions")
	pqTold(db.Exec("CREATE TABLE pq_transactions (a int UNIQUE)"))
	transaction, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	must(err)
	pqRows(transaction.Query("SHOW transaction_isolation"))
	pqTold(transaction.Exec("INSERT INTO pq_transactions VALUES ($1)", 1))
	pqTold(transaction.Exec("SAVEPOINT s"))
	pqTold(transaction.Exec("INSERT INTO pq_transactions VALUES ($1)", 1))
	pqTold(transaction.Exec("SELECT 1"))
	pqTold(transaction.Exec("ROLLBACK TO s"))
	pqTold(transaction.Exec("INSERT INTO pq_transactions VALUES ($1)", 2))
	pqTold(nil, transaction.Commit())
	readOnly, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	must(err)
	pqTold(readOnly.Exec("INSERT INTO pq_transactions VALUES (3)"))
	say("commit", readOnly.Commit())
	pqRows(db.Query("SELECT a FROM pq_transactions ORDER BY a"))
	pqTold(db.Exec("DROP TABLE pq_transactions"))
}

func pqBigRows(db *sql.DB) {
	section("big_rows")
	var text string
	must(db.QueryRow("SELECT repeat('x', 8000000)").Scan(&text))
	say(sum([]byte(text)))
	must(db.QueryRow("SELECT $1::text || 'end'", strings.Repeat("ü", 1500000)).Scan(&text))
	say(sum([]byte(text)))
	must(db.QueryRow("SELECT '" + strings.Repeat("z", 2000000) + "'").Scan(&text))
	say(sum([]byte(text)))
}

func pqNotifications() {
	section("notifications")
	heard := make(chan *pq.Notification, 4)
	conn, err := pq.NewListenerConn("", heard)
	must(err)
	_, err = conn.Listen("pq_channel")
	must(err)
	_, err = conn.ExecSimpleQuery("NOTIFY pq_channel, 'one'")
	must(err)
	notification := <-heard
	say(notification.Channel, notification.Extra)
	must(conn.Close())
}
