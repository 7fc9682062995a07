import java.sql.*;

/** Reads a file over MySQL's protocol as BI tools do through JDBC: catalog, values in both protocols, an error, an end. */
public class Probe {
    public static void main(String[] arguments) throws Exception {
        for (String prepared : new String[] {"false", "true"}) {
            String address = arguments[0] + "?useServerPrepStmts=" + prepared;
            try (Connection connection = DriverManager.getConnection(address, "java", System.getenv("PASSWORD"))) {
                catalog(connection.getMetaData());
                rows(connection);
                ended(connection);
            }
        }
    }

    private static void catalog(DatabaseMetaData catalog) throws SQLException {
        try (ResultSet tables = catalog.getTables("main", null, "%", new String[] {"TABLE", "VIEW"})) {
            while (tables.next()) {
                print("table", tables.getString("TABLE_NAME"), tables.getString("TABLE_TYPE"), tables.getString("REMARKS"));
            }
        }
        try (ResultSet columns = catalog.getColumns("main", null, "kinds", "%")) {
            while (columns.next()) {
                print("column", columns.getString("COLUMN_NAME"), JDBCType.valueOf(columns.getInt("DATA_TYPE")).name(),
                    columns.getString("IS_NULLABLE"), columns.getString("REMARKS"));
            }
        }
        try (ResultSet keys = catalog.getPrimaryKeys("main", null, "kinds")) {
            while (keys.next()) {
                print("key", keys.getString("COLUMN_NAME"));
            }
        }
    }

    private static void rows(Connection connection) throws SQLException {
        String query = "SELECT id, name, price, score, born, seen, ? AS given FROM kinds WHERE name <> ? AND seen < ? ORDER BY id";
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, "it's \\ \" ?");
            statement.setString(2, "' OR 1 = 1 -- ");
            statement.setTimestamp(3, Timestamp.valueOf("2024-06-01 00:00:00.5"));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    print("row", Integer.toString(rows.getInt(1)), rows.getString(2), String.valueOf(rows.getBigDecimal(3)),
                        Double.toString(rows.getDouble(4)), String.valueOf(rows.getDate(5)),
                        String.valueOf(rows.getTimestamp(6)), rows.getString(7));
                }
            }
        }
        String scores = "SELECT `client id`, predict_next_action(e) FROM clicks AS e GROUP BY 1 ORDER BY 1 LIMIT ?, ?";
        try (PreparedStatement statement = connection.prepareStatement(scores)) {
            statement.setInt(1, 1);
            statement.setInt(2, 2);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    print("score", Long.toString(rows.getLong(1)), rows.getString(2));
                }
            }
        }
    }

    private static void ended(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeQuery("SELECT * FROM nowhere");
        } catch (SQLException error) {
            print("error", Integer.toString(error.getErrorCode()), error.getSQLState());
        }
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.executeQuery("SELECT COUNT(*) FROM range(100000000000) r WHERE r.range * r.range % 7 = 3");
        } catch (SQLException error) {
            print("ended", error.getClass().getSimpleName());
        }
        try (Statement statement = connection.createStatement(); ResultSet one = statement.executeQuery("SELECT 1")) {
            one.next();
            print("after", one.getString(1));
        }
    }

    private static void print(String... fields) {
        System.out.println(String.join("\t", fields));
    }
}
