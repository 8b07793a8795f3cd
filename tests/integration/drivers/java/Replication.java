import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.postgresql.PGProperty;
import org.postgresql.replication.LogSequenceNumber;
import org.postgresql.replication.PGReplicationStream;

/**
 * Change data capture as Debezium does it: one connection that replicates, one that does not. It makes a slot, changes
 * rows, reads the changes, and confirms them; what it prints is the same on every run.
 */
public final class Replication {
  public static void main(String[] arguments) throws Exception {
    String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
        + System.getenv("PGDATABASE") + "?sslmode=disable";
    Properties plain = new Properties();
    PGProperty.USER.set(plain, System.getenv("PGUSER"));
    PGProperty.PASSWORD.set(plain, System.getenv("PGPASSWORD"));
    Properties replicating = new Properties(plain);
    PGProperty.USER.set(replicating, System.getenv("PGUSER"));
    PGProperty.PASSWORD.set(replicating, System.getenv("PGPASSWORD"));
    PGProperty.REPLICATION.set(replicating, "database");
    PGProperty.ASSUME_MIN_SERVER_VERSION.set(replicating, "9.4");
    PGProperty.PREFER_QUERY_MODE.set(replicating, "simple");
    try (Connection sql = DriverManager.getConnection(url, plain);
        Connection stream = DriverManager.getConnection(url, replicating)) {
      capture(sql, stream.unwrap(PGConnection.class));
    }
  }

  private static void capture(Connection sql, PGConnection replication) throws Exception {
    replication.getReplicationAPI().createReplicationSlot().logical().withSlotName("java_slot")
        .withOutputPlugin("test_decoding").make();
    try (PGReplicationStream stream = replication.getReplicationAPI().replicationStream().logical()
        .withSlotName("java_slot").withSlotOption("include-xids", false).withSlotOption("skip-empty-xacts", true)
        .withStatusInterval(1, TimeUnit.SECONDS).start()) {
      try (Statement statement = sql.createStatement()) {
        statement.execute("INSERT INTO items SELECT i, 'from java' FROM generate_series(1000, 1004) i");
        statement.execute("DELETE FROM items WHERE id BETWEEN 1000 AND 1004");
      }
      LogSequenceNumber last = LogSequenceNumber.INVALID_LSN;
      for (int commits = 0; commits < 2;) {
        ByteBuffer read = stream.read();
        String said = StandardCharsets.UTF_8.decode(read).toString();
        System.out.println(said);
        last = stream.getLastReceiveLSN();
        stream.setAppliedLSN(last);
        stream.setFlushedLSN(last);
        if (said.startsWith("COMMIT")) {
          commits++;
        }
      }
      stream.forceUpdateStatus();
      System.out.println("confirmed: " + isConfirmed(sql, last));
    }
    replication.getReplicationAPI().dropReplicationSlot("java_slot");
    System.out.println("dropped");
  }

  /** The server learns of it as of any feedback: by and by. */
  private static boolean isConfirmed(Connection sql, LogSequenceNumber last) throws Exception {
    for (int tries = 0; tries < 1000; tries++) {
      try (Statement statement = sql.createStatement();
          ResultSet found = statement.executeQuery("SELECT confirmed_flush_lsn >= '" + last.asString()
              + "'::pg_lsn FROM pg_replication_slots WHERE slot_name = 'java_slot'")) {
        if (found.next() && found.getBoolean(1)) {
          return true;
        }
      }
      Thread.sleep(20);
    }
    return false;
  }

  private Replication() {}
}
