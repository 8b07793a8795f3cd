package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
)

var ctx = context.Background()

var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

func pgxProgram() {
	for _, part := range []func(*pgx.Conn){
		pgxTypes, pgxPrepared, pgxBatches, pgxPipelines, pgxCopy, pgxErrors, pgxCancel, pgxNotifications,
		pgxTransactions, pgxBigRows,
	} {
		config, err := pgx.ParseConfig("")
		must(err)
		config.StatementCacheCapacity = 4
		// Ask the server to stop, where pgx would otherwise just hang up.
		config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 30 * time.Second}
		}
		config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { say("notice", notice.Severity, notice.Message) }
		conn, err := pgx.ConnectConfig(ctx, config)
		must(err)
		part(conn)
		must(conn.Close(ctx))
	}
}

func pgxTold(tag pgconn.CommandTag, err error) {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		say(tag)
	case errors.As(err, &refused):
		say("refused", refused.Severity, refused.Code, refused.Message, refused.Detail, refused.Hint, refused.Position,
			refused.Where, refused.SchemaName, refused.TableName, refused.ColumnName, refused.ConstraintName)
	default:
		must(err)
	}
}

func pgxExec(conn *pgx.Conn, text string, arguments ...any) {
	pgxTold(conn.Exec(ctx, text, arguments...))
}

func pgxRows(rows pgx.Rows, err error) {
	if err != nil {
		pgxTold(pgconn.CommandTag{}, err)
		return
	}
	for _, field := range rows.FieldDescriptions() {
		say("column", field.Name, field.DataTypeOID)
	}
	for rows.Next() {
		values, err := rows.Values()
		must(err)
		say(values...)
	}
	pgxTold(rows.CommandTag(), rows.Err())
}

func pgxTypes(conn *pgx.Conn) {
	section("types")
	for _, mode := range modes {
		say("mode", mode)
		pgxRows(conn.Query(ctx, `SELECT $1::int2, $2::int8, $3::float8, $4::numeric, $5::bool, $6::text, $7::bytea,
			$8::date, $9::timestamptz, $10::interval, $11::int[], $12::text[], $13::jsonb, $14::uuid, $15::inet`, mode,
			int16(-7), int64(1)<<40, 1.5, pgtype.Numeric{Int: big.NewInt(123400), Exp: -4, Valid: true}, true, "ünï\n'",
			[]byte{0, 255}, time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC),
			pgtype.Interval{Days: 1, Microseconds: 2, Valid: true}, []int32{1, 2}, []string{"a", "b"},
			`{"a": [1]}`, "00000000-0000-0000-0000-000000000007", "10.0.0.1"))
		pgxRows(conn.Query(ctx, "SELECT $1::text, $2::int, $3::timestamp", mode, nil, nil, nil))
		pgxRows(conn.Query(ctx, "SELECT WHERE false", mode))
	}
}

func pgxPrepared(conn *pgx.Conn) {
	section("prepared")
	described, err := conn.Prepare(ctx, "mine", "SELECT $1::int + 1 AS more, $2::text")
	must(err)
	say(described.ParamOIDs, len(described.Fields), described.Fields[0].Name)
	for number := range 3 {
		pgxRows(conn.Query(ctx, "mine", number, "x"))
	}
	_, err = conn.Prepare(ctx, "wrong", "SELECT no_such_column")
	pgxTold(pgconn.CommandTag{}, err)
	must(conn.Deallocate(ctx, "mine"))
	// More than the cache holds: the oldest are closed all the time.
	for number := range 24 {
		pgxRows(conn.Query(ctx, fmt.Sprintf("SELECT %d, $1::int", number%7), number))
	}
	must(conn.DeallocateAll(ctx))
	pgxRows(conn.Query(ctx, "SELECT 1, $1::int", 1))
}

func pgxBatches(conn *pgx.Conn) {
	section("batches")
	pgxExec(conn, "CREATE TABLE pgx_batches (a int PRIMARY KEY, b text)")
	for _, mode := range modes {
		say("mode", mode)
		conn.Config().DefaultQueryExecMode = mode
		for _, last := range []int{3, 1} { // the second time its insertion fails, and all of the batch with it
			batch := &pgx.Batch{}
			batch.Queue("INSERT INTO pgx_batches VALUES (1, $1)", "one")
			batch.Queue("SELECT b FROM pgx_batches WHERE a = $1", 1)
			batch.Queue("INSERT INTO pgx_batches VALUES ($1, 'last')", last)
			batch.Queue("SELECT count(*) FROM pgx_batches")
			results := conn.SendBatch(ctx, batch)
			pgxTold(results.Exec())
			pgxRows(results.Query())
			pgxTold(results.Exec())
			pgxRows(results.Query())
			say("closed", results.Close() == nil)
			pgxRows(conn.Query(ctx, "SELECT * FROM pgx_batches ORDER BY a", pgx.QueryExecModeExec))
			pgxTold(conn.Exec(ctx, "DELETE FROM pgx_batches", pgx.QueryExecModeExec))
		}
	}
	many := &pgx.Batch{}
	for number := range 500 {
		many.Queue("INSERT INTO pgx_batches VALUES ($1, $2)", number, strings.Repeat("x", number%17))
	}
	must(conn.SendBatch(ctx, many).Close())
	pgxRows(conn.Query(ctx, "SELECT count(*), sum(a), sum(length(b)) FROM pgx_batches", pgx.QueryExecModeExec))
	pgxTold(conn.Exec(ctx, "DROP TABLE pgx_batches", pgx.QueryExecModeExec))
}

func pgxPipelines(conn *pgx.Conn) {
	section("pipelines")
	pipeline := conn.PgConn().StartPipeline(ctx)
	pipeline.SendPrepare("piped", "SELECT $1::int * 2", nil)
	pipeline.SendQueryPrepared("piped", [][]byte{[]byte("21")}, nil, nil)
	pipeline.SendFlushRequest()
	must(pipeline.Flush())
	pgxResults(pipeline, 2)
	pipeline.SendQueryParams("SELECT 1 / $1::int", [][]byte{[]byte("0")}, nil, nil, nil)
	pipeline.SendQueryParams("SELECT 'never'", nil, nil, nil, nil)
	pipeline.SendPipelineSync()
	pipeline.SendQueryParams("SELECT 'after'", nil, nil, nil, nil)
	pipeline.SendQueryPrepared("piped", [][]byte{[]byte("4")}, nil, []int16{1})
	pipeline.SendPipelineSync()
	pipeline.SendDeallocate("piped")
	pipeline.SendPipelineSync()
	pipeline.SendQueryPrepared("piped", [][]byte{[]byte("4")}, nil, nil)
	must(pipeline.Sync())
	pgxResults(pipeline, 100)
	must(pipeline.Close())
	say(string([]byte{conn.PgConn().TxStatus()}))
}

// pgxResults says what comes out of a pipeline: at most so many results.
func pgxResults(pipeline *pgconn.Pipeline, most int) {
	for range most {
		results, err := pipeline.GetResults()
		if err != nil {
			pgxTold(pgconn.CommandTag{}, err)
			continue
		}
		switch result := results.(type) {
		case *pgconn.ResultReader:
			read := result.Read()
			say("result", read.Rows)
			pgxTold(read.CommandTag, read.Err)
		case nil:
			return
		default:
			say(fmt.Sprintf("%T", result))
		}
	}
}

func pgxCopy(conn *pgx.Conn) {
	section("copy")
	pgxExec(conn, "CREATE TABLE pgx_copy (a int CHECK (a <> 13), b text)")
	count, err := conn.CopyFrom(ctx, pgx.Identifier{"pgx_copy"}, []string{"a", "b"},
		pgx.CopyFromSlice(5000, func(row int) ([]any, error) { return []any{row + 100, fmt.Sprint(row)}, nil }))
	must(err)
	say(count)
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"pgx_copy"}, []string{"a", "b"},
		pgx.CopyFromRows([][]any{{12, "x"}, {13, nil}}))
	pgxTold(pgconn.CommandTag{}, err)
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"pgx_copy"}, []string{"a"},
		pgx.CopyFromFunc(func() ([]any, error) { return nil, errors.New("the source is dry") }))
	say(err)
	pgxTold(conn.PgConn().CopyFrom(ctx, strings.NewReader("1\tone\n2\t\\N\n"), "COPY pgx_copy FROM STDIN"))
	pgxTold(conn.PgConn().CopyFrom(ctx, strings.NewReader("not a number\tx\n"), "COPY pgx_copy FROM STDIN"))
	var copied bytes.Buffer
	pgxTold(conn.PgConn().CopyTo(ctx, &copied, "COPY (SELECT * FROM pgx_copy ORDER BY a) TO STDOUT"))
	say(sum(copied.Bytes()))
	pgxTold(conn.PgConn().CopyTo(ctx, &copied, "COPY pgx_nothing TO STDOUT"))
	pgxExec(conn, "DROP TABLE pgx_copy")
}

func pgxErrors(conn *pgx.Conn) {
	section("errors")
	pgxExec(conn, "CREATE TABLE pgx_errors (a int CONSTRAINT positive CHECK (a > 0), b int NOT NULL, UNIQUE (b))")
	pgxExec(conn, "INSERT INTO pgx_errors VALUES ($1, $2)", 1, 1)
	for _, mode := range modes {
		say("mode", mode)
		for _, wrong := range []string{
			"SELEC 1", "SELECT no_such", "SELECT 1/0", "INSERT INTO pgx_errors VALUES (0, 2)",
			"INSERT INTO pgx_errors VALUES (2, NULL)", "INSERT INTO pgx_errors VALUES (2, 1)", "", "SELECT 1 +",
			"DO $$BEGIN RAISE NOTICE 'hello'; RAISE EXCEPTION 'mine' USING ERRCODE = 'MY001', HINT = 'a hint'; END$$",
		} {
			pgxTold(conn.Exec(ctx, wrong, mode))
		}
		var value int
		must(conn.QueryRow(ctx, "SELECT 1", mode).Scan(&value))
	}
	pgxTold(conn.Exec(ctx, "DROP TABLE pgx_errors", pgx.QueryExecModeExec))
}

func pgxCancel(conn *pgx.Conn) {
	section("cancel")
	for _, mode := range modes {
		limited, stop := context.WithTimeout(ctx, 400*time.Millisecond)
		_, err := conn.Exec(limited, "SELECT pg_sleep(60)", mode)
		stop()
		pgxTold(pgconn.CommandTag{}, err)
		pgxRows(conn.Query(ctx, "SELECT 'still here'", mode))
	}
}

func pgxNotifications(conn *pgx.Conn) {
	section("notifications")
	pgxExec(conn, "LISTEN pgx_channel")
	pgxExec(conn, "SELECT pg_notify('pgx_channel', $1)", "one")
	pgxExec(conn, "NOTIFY pgx_channel, 'two'")
	pgxExec(conn, "NOTIFY pgx_other, 'unheard'")
	for range 2 {
		heard, err := conn.WaitForNotification(ctx)
		must(err)
		say(heard.Channel, heard.Payload)
	}
	pgxExec(conn, "UNLISTEN *")
}

func pgxTransactions(conn *pgx.Conn) {
	section("transactions")
	status := func() { say("status", string([]byte{conn.PgConn().TxStatus()})) }
	pgxExec(conn, "CREATE TABLE pgx_transactions (a int UNIQUE)")
	must(pgx.BeginFunc(ctx, conn, func(outer pgx.Tx) error {
		pgxTold(outer.Exec(ctx, "INSERT INTO pgx_transactions VALUES (1)"))
		for _, value := range []int{1, 2} {
			inner := pgx.BeginFunc(ctx, outer, func(inner pgx.Tx) error {
				_, err := inner.Exec(ctx, "INSERT INTO pgx_transactions VALUES ($1)", value)
				return err
			})
			pgxTold(pgconn.CommandTag{}, inner)
			status()
		}
		return nil
	}))
	pgxRows(conn.Query(ctx, "SELECT a FROM pgx_transactions ORDER BY a"))
	transaction, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly})
	must(err)
	pgxRows(transaction.Query(ctx, "SHOW transaction_isolation"))
	pgxTold(transaction.Exec(ctx, "INSERT INTO pgx_transactions VALUES (3)"))
	status()
	pgxTold(transaction.Exec(ctx, "SELECT 1"))
	say("commit", transaction.Commit(ctx))
	status()
	pgxExec(conn, "DROP TABLE pgx_transactions")
}

func pgxBigRows(conn *pgx.Conn) {
	section("big_rows")
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol} {
		var text string
		must(conn.QueryRow(ctx, "SELECT repeat('x', 8000000) || $1::text", mode, "end").Scan(&text))
		say(sum([]byte(text)))
		// Longer than what the proxy holds in memory.
		must(conn.QueryRow(ctx, "SELECT $1::text || 'end'", mode, strings.Repeat("ü", 1500000)).Scan(&text))
		say(sum([]byte(text)))
		rows, err := conn.Query(ctx, "SELECT i, repeat('y', i % 3000) FROM generate_series(1, 5000) i", mode)
		must(err)
		all := 0
		for rows.Next() {
			all += len(rows.RawValues()[1])
		}
		must(rows.Err())
		say(all, rows.CommandTag())
	}
}
