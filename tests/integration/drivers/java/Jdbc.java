import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * A program on pgjdbc that prints what it sees. Where to connect is in PGHOST and its like. Each line is the same on every
 * run; what the server refuses is printed, what nobody expects ends the program.
 */
public final class Jdbc {
  /** Prepared from the first use on, with inserts of a batch made one (as Hibernate is often set up); and simple queries. */
  private static final List<String> MODES =
      List.of("", "prepareThreshold=1&reWriteBatchedInserts=true&binaryTransfer=true", "prepareThreshold=-1",
          "preferQueryMode=simple", "autosave=always&prepareThreshold=2");

  private interface Part {
    void on(Connection connection) throws Exception;
  }

  private interface Asked {
    Object answer() throws SQLException;
  }

  public static void main(String[] arguments) throws Exception {
    for (Part part : List.<Part>of(Jdbc::types, Jdbc::prepared, Jdbc::batches, Jdbc::copy, Jdbc::errors, Jdbc::cancel,
        Jdbc::notifications, Jdbc::transactions, Jdbc::bigRows)) {
      for (String mode : MODES) {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
            + System.getenv("PGDATABASE") + "?sslmode=disable&" + mode;
        try (Connection connection =
            DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"))) {
          part.on(connection);
        }
      }
    }
  }

  private static void section(String name) {
    System.out.println("== " + name);
  }

  private static void say(Object... values) {
    System.out.println(Arrays.deepToString(values));
  }

  private static String sum(byte[] data) throws Exception {
    return data.length + " bytes " + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
  }

  /** What it answers, or the server's refusal. */
  private static void told(Asked asked) throws SQLException {
    try {
      say(asked.answer());
    } catch (SQLException error) {
      refused(error);
    }
  }

  private static void refused(SQLException error) throws SQLException {
    if (error instanceof BatchUpdateException batch) {
      say("counts", batch.getUpdateCounts());
    }
    for (SQLException part = error; part != null; part = part.getNextException()) {
      if (part instanceof PSQLException refusal && refusal.getServerErrorMessage() != null) {
        ServerErrorMessage told = refusal.getServerErrorMessage();
        say("refused", told.getSeverity(), told.getSQLState(), told.getMessage(), told.getDetail(), told.getHint(),
            told.getPosition(), told.getWhere(), told.getTable(), told.getColumn(), told.getConstraint());
      } else if (!(part instanceof BatchUpdateException)) {
        throw error;
      }
    }
  }

  private static Object all(ResultSet rows) throws SQLException {
    List<Object> seen = new ArrayList<>();
    ResultSetMetaData columns = rows.getMetaData();
    for (int column = 1; column <= columns.getColumnCount(); column++) {
      seen.add(columns.getColumnName(column) + " " + columns.getColumnTypeName(column));
    }
    while (rows.next()) {
      for (int column = 1; column <= columns.getColumnCount(); column++) {
        Object value = rows.getObject(column);
        seen.add(value instanceof Array array ? array.toString() : value instanceof byte[] bytes
            ? HexFormat.of().formatHex(bytes) : String.valueOf(value));
      }
    }
    return seen;
  }

  private static Object run(Connection connection, String text) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      List<Object> seen = new ArrayList<>();
      boolean rows = statement.execute(text);
      while (rows || statement.getUpdateCount() != -1) {
        seen.add(rows ? all(statement.getResultSet()) : statement.getUpdateCount());
        rows = statement.getMoreResults();
      }
      for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
        seen.add("warning " + warning.getSQLState() + " " + warning.getMessage());
      }
      return seen;
    }
  }

  private static void types(Connection connection) throws SQLException {
    section("types");
    String text = "SELECT ?::int2 a, ?::int8 b, ?::float8 c, ?::numeric d, ?::bool e, ?::text f, ?::bytea g, ?::date h,"
        + " ?::timestamptz i, ?::int[] j, ?::jsonb k, ?::uuid l, ?::text m";
    try (PreparedStatement statement = connection.prepareStatement(text)) {
      for (int round = 0; round < 7; round++) { // prepared by name from the fifth on
        statement.setShort(1, (short) -7);
        statement.setLong(2, 1L << 40);
        statement.setDouble(3, 1.5);
        statement.setBigDecimal(4, new BigDecimal("12.3400"));
        statement.setBoolean(5, true);
        statement.setString(6, "ünï\n'");
        statement.setBytes(7, new byte[] {0, -1});
        statement.setObject(8, LocalDate.of(2024, 2, 29));
        statement.setObject(9, OffsetDateTime.parse("2024-06-01T12:00:00Z"));
        statement.setArray(10, connection.createArrayOf("int4", new Integer[] {1, null}));
        statement.setString(11, "{\"a\": [1, null]}");
        statement.setObject(12, new UUID(0, 7));
        statement.setNull(13, Types.VARCHAR);
        told(() -> all(statement.executeQuery()));
      }
    }
    told(() -> run(connection, "SELECT 1 a; SELECT 'two' b, NULL c; SELECT WHERE false"));
    run(connection, "CREATE TABLE jdbc_types (a int PRIMARY KEY, b text DEFAULT 'x' NOT NULL)");
    told(() -> all(connection.getMetaData().getColumns(null, "public", "jdbc_types", "%")));
    told(() -> {
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO jdbc_types VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
        insert.setInt(1, 5);
        insert.executeUpdate();
        return all(insert.getGeneratedKeys());
      }
    });
    run(connection, "DROP TABLE jdbc_types");
  }

  private static void prepared(Connection connection) throws SQLException {
    section("prepared");
    for (int number = 0; number < 60; number++) {
      int value = number;
      told(() -> {
        try (PreparedStatement statement = connection.prepareStatement("SELECT " + value % 6 + " a, ?::int b")) {
          statement.setInt(1, value);
          return all(statement.executeQuery());
        }
      });
    }
    told(() -> {
      try (PreparedStatement statement = connection.prepareStatement("SELECT no_such, ?::int")) {
        return statement.getMetaData().getColumnCount();
      }
    });
  }

  private static void batches(Connection connection) throws SQLException {
    section("batches");
    run(connection, "CREATE TABLE jdbc_batches (a int PRIMARY KEY, b text)");
    String insert = "INSERT INTO jdbc_batches (a, b) VALUES (?, ?)";
    connection.setAutoCommit(false);
    // As Hibernate does: batches of 50 within a transaction, inserts, then updates, then a failure.
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      for (int number = 1; number <= 330; number++) {
        statement.setInt(1, number);
        statement.setString(2, "row " + number);
        statement.addBatch();
        if (number % 50 == 0) {
          told(statement::executeBatch);
        }
      }
      told(statement::executeBatch);
    }
    try (PreparedStatement statement = connection.prepareStatement("UPDATE jdbc_batches SET b = ? WHERE a = ?")) {
      for (int number = 300; number <= 340; number++) {
        statement.setString(1, "changed");
        statement.setInt(2, number);
        statement.addBatch();
      }
      told(statement::executeBatch);
    }
    connection.commit();
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      for (int number : new int[] {1000, 1001, 1, 1002}) {
        statement.setInt(1, number);
        statement.setString(2, "again");
        statement.addBatch();
      }
      told(statement::executeBatch);
    }
    connection.rollback();
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement()) {
      statement.addBatch("INSERT INTO jdbc_batches VALUES (2000, 'x')");
      statement.addBatch("INSERT INTO jdbc_batches VALUES (2001, 'x'), (2002, 'x')");
      statement.addBatch("DELETE FROM jdbc_batches WHERE a < 0");
      told(statement::executeBatch);
      statement.addBatch("INSERT INTO jdbc_batches VALUES (2003, 'x')");
      statement.addBatch("SELECT 1/0");
      told(statement::executeBatch);
    }
    told(() -> run(connection, "SELECT count(*), sum(a), sum(length(b)) FROM jdbc_batches"));
    run(connection, "DROP TABLE jdbc_batches");
  }

  private static void copy(Connection connection) throws Exception {
    section("copy");
    run(connection, "CREATE TABLE jdbc_copy (a int CHECK (a <> 13), b text)");
    StringBuilder lines = new StringBuilder();
    for (int number = 100; number < 5100; number++) {
      lines.append(number).append("\tline ").append(number).append('\n');
    }
    var manager = connection.unwrap(PGConnection.class).getCopyAPI();
    for (String text : new String[] {lines.toString(), "13\tx\n", "none\tx\n", "14\t\\N\n"}) {
      told(() -> {
        try {
          return manager.copyIn("COPY jdbc_copy FROM STDIN", new StringReader(text));
        } catch (java.io.IOException error) {
          throw new SQLException(error);
        }
      });
    }
    var given = manager.copyIn("COPY jdbc_copy FROM STDIN");
    given.writeToCopy("15\tgiven up\n".getBytes(StandardCharsets.UTF_8), 0, 12);
    given.cancelCopy();
    ByteArrayOutputStream copied = new ByteArrayOutputStream();
    say(manager.copyOut("COPY (SELECT * FROM jdbc_copy ORDER BY a) TO STDOUT", copied), sum(copied.toByteArray()));
    told(() -> run(connection, "SELECT count(*) FROM jdbc_copy"));
    run(connection, "DROP TABLE jdbc_copy");
  }

  private static void errors(Connection connection) throws SQLException {
    section("errors");
    run(connection, "CREATE TABLE jdbc_errors (a int CONSTRAINT positive CHECK (a > 0), b int NOT NULL, UNIQUE (b))");
    for (int round = 0; round < 3; round++) {
      for (String text : new String[] {
        "SELEC 1", "SELECT no_such", "SELECT 1/0", "SELECT 1 +", "SELECT 'x'::int", "INSERT INTO jdbc_errors VALUES (0, 1)",
        "INSERT INTO jdbc_errors VALUES (1, NULL)",
        "DO $$BEGIN RAISE NOTICE 'hello'; RAISE EXCEPTION 'mine' USING ERRCODE = 'MY001', HINT = 'a hint'; END$$",
        "DO $$BEGIN RAISE WARNING 'only this'; END$$",
      }) {
        told(() -> run(connection, text));
        told(() -> run(connection, "SELECT 1"));
      }
    }
    run(connection, "DROP TABLE jdbc_errors");
  }

  private static void cancel(Connection connection) throws Exception {
    section("cancel");
    try (Statement statement = connection.createStatement()) {
      AtomicBoolean awake = new AtomicBoolean();
      Thread waking = new Thread(() -> {
        try {
          while (!awake.get()) {
            Thread.sleep(150);
            statement.cancel(); // does nothing where no statement runs
          }
        } catch (InterruptedException | SQLException error) {
          throw new IllegalStateException(error);
        }
      });
      waking.start();
      told(() -> statement.execute("SELECT pg_sleep(60)"));
      awake.set(true);
      waking.join();
    }
    told(() -> run(connection, "SELECT 'still here'"));
  }

  private static void notifications(Connection connection) throws SQLException {
    section("notifications");
    run(connection, "LISTEN jdbc_channel");
    run(connection, "NOTIFY jdbc_channel, 'one'");
    run(connection, "SELECT pg_notify('jdbc_channel', 'two'), pg_notify('jdbc_other', 'unheard')");
    for (int left = 2; left > 0; ) {
      for (PGNotification heard : connection.unwrap(PGConnection.class).getNotifications(0)) {
        say(heard.getName(), heard.getParameter());
        left--;
      }
    }
    run(connection, "UNLISTEN *");
  }

  private static void transactions(Connection connection) throws SQLException {
    section("transactions");
    run(connection, "CREATE TABLE jdbc_transactions (a int UNIQUE)");
    connection.setAutoCommit(false);
    connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    told(() -> run(connection, "SHOW transaction_isolation"));
    told(() -> run(connection, "INSERT INTO jdbc_transactions VALUES (1)"));
    Savepoint savepoint = connection.setSavepoint("mine");
    told(() -> run(connection, "INSERT INTO jdbc_transactions VALUES (1)"));
    told(() -> run(connection, "SELECT 1"));
    connection.rollback(savepoint);
    told(() -> run(connection, "INSERT INTO jdbc_transactions VALUES (2)"));
    connection.commit();
    try (PreparedStatement statement = connection.prepareStatement("SELECT i FROM generate_series(1, ?) i")) {
      statement.setFetchSize(10);
      statement.setInt(1, 45);
      told(() -> all(statement.executeQuery()));
    }
    connection.commit();
    connection.setReadOnly(true);
    told(() -> run(connection, "INSERT INTO jdbc_transactions VALUES (3)"));
    connection.rollback();
    connection.setReadOnly(false);
    connection.setAutoCommit(true);
    told(() -> run(connection, "SELECT a FROM jdbc_transactions ORDER BY a"));
    run(connection, "DROP TABLE jdbc_transactions");
  }

  private static void bigRows(Connection connection) throws Exception {
    section("big_rows");
    String sent = "ü".repeat(1_500_000);
    for (String text : new String[] {"SELECT repeat('x', 2000000) || ?::text", "SELECT ?::text || 'end'"}) {
      try (PreparedStatement statement = connection.prepareStatement(text)) {
        statement.setString(1, sent);
        ResultSet rows = statement.executeQuery();
        rows.next();
        say(sum(rows.getBytes(1)));
      }
    }
    try (Statement statement = connection.createStatement()) {
      ResultSet rows = statement.executeQuery("SELECT repeat('y', i % 3000) FROM generate_series(1, 3000) i");
      long length = 0;
      while (rows.next()) {
        length += rows.getString(1).length();
      }
      say(length);
    }
  }
}
