import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What pgjdbc's DatabaseMetaData says of a database, as tools with a tree of tables ask it. Where to connect is in PGHOST and
 * its like. A line is a question, or a row of its answer; what the server refuses is printed.
 */
public final class Metadata {
  private interface Asked {
    ResultSet answer() throws SQLException;
  }

  public static void main(String[] arguments) throws Exception {
    for (String mode : List.of("", "preferQueryMode=simple")) {
      String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
          + System.getenv("PGDATABASE") + "?sslmode=disable&" + mode;
      String password = System.getenv("PGPASSWORD");
      try (Connection connection = DriverManager.getConnection(url, System.getenv("PGUSER"), password)) {
        DatabaseMetaData data = connection.getMetaData();
        String catalog = connection.getCatalog();
        say("getSchemas", () -> data.getSchemas());
        say("getSchemas like", () -> data.getSchemas(null, "dep%"));
        say("getTableTypes", () -> data.getTableTypes());
        String[] kinds = {"TABLE", "VIEW", "SEQUENCE", "INDEX", "PARTITIONED TABLE", "MATERIALIZED VIEW", "FOREIGN TABLE"};
        for (String schema : List.of("public", "depot")) {
          say("getTables " + schema, () -> data.getTables(catalog, schema, "%", kinds));
          say("getColumns " + schema, () -> data.getColumns(catalog, schema, "%", "%"));
          say("getProcedures " + schema, () -> data.getProcedures(catalog, schema, "%"));
          say("getFunctions " + schema, () -> data.getFunctions(catalog, schema, "%"));
        }
        say("getTables of a kind", () -> data.getTables(null, null, "b%", new String[] {"TABLE"}));
        say("getColumns like", () -> data.getColumns(null, "public", "book_", "%id"));
        for (String table : List.of("authors", "books", "shelves", "holdings", "Odd Names", "nowhere")) {
          say("getPrimaryKeys " + table, () -> data.getPrimaryKeys(catalog, "public", table));
          say("getImportedKeys " + table, () -> data.getImportedKeys(catalog, "public", table));
          say("getExportedKeys " + table, () -> data.getExportedKeys(catalog, "public", table));
          say("getIndexInfo " + table, () -> data.getIndexInfo(catalog, "public", table, false, true));
          say("getBestRowIdentifier " + table,
              () -> data.getBestRowIdentifier(catalog, "public", table, DatabaseMetaData.bestRowSession, true));
          say("getTablePrivileges " + table, () -> data.getTablePrivileges(catalog, "public", table));
          say("getColumnPrivileges " + table, () -> data.getColumnPrivileges(catalog, "public", table, "%"));
        }
        say("getCrossReference", () -> data.getCrossReference(catalog, "public", "authors", catalog, "public", "books"));
        System.out.println(data.getDatabaseProductName() + " " + data.getDefaultTransactionIsolation() + " "
            + data.getMaxColumnNameLength() + " " + data.getIdentifierQuoteString() + " " + data.getUserName());
        say("getTypeInfo", () -> data.getTypeInfo());
      }
    }
  }

  private static void say(String question, Asked asked) {
    System.out.println("# " + question);
    List<String> lines = new ArrayList<>();
    try (ResultSet found = asked.answer()) {
      ResultSetMetaData columns = found.getMetaData();
      while (found.next()) {
        StringBuilder line = new StringBuilder();
        for (int at = 1; at <= columns.getColumnCount(); at++) {
          String name = columns.getColumnLabel(at);
          // A server's own name of the database, and its guesses of sizes, are nobody else's.
          boolean own = name.endsWith("_CAT") || name.endsWith("_cat") || name.endsWith("CATALOG")
              || List.of("CARDINALITY", "PAGES").contains(name);
          line.append(name).append('=').append(own ? "" : found.getString(at)).append(' ');
        }
        lines.add(line.toString());
      }
    } catch (SQLException error) {
      lines.add(error.getSQLState() + " " + error.getMessage());
    }
    // Which of several equal keys comes first is nobody's promise.
    Collections.sort(lines);
    lines.forEach(System.out::println);
  }
}
