import java.sql.*;

/** Reads a schema through JDBC's catalog queries, as BI tools do: one line a table, a column, a key, a row. */
public class Probe {
    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], System.getenv("PGPASSWORD"))) {
            DatabaseMetaData catalog = connection.getMetaData();
            String schema = arguments[2];
            try (ResultSet tables = catalog.getTables(null, schema, "%", new String[] {"TABLE", "VIEW"})) {
                while (tables.next()) {
                    print("table", tables.getString("TABLE_NAME"), tables.getString("TABLE_TYPE"), tables.getString("REMARKS"));
                }
            }
            try (ResultSet columns = catalog.getColumns(null, schema, "scored_users", "%")) {
                while (columns.next()) {
                    print("column", columns.getString("COLUMN_NAME"), JDBCType.valueOf(columns.getInt("DATA_TYPE")).name(),
                        columns.getString("TYPE_NAME"), columns.getString("REMARKS"));
                }
            }
            try (ResultSet keys = catalog.getPrimaryKeys(null, schema, "scored_users")) {
                while (keys.next()) {
                    print("key", keys.getString("COLUMN_NAME"));
                }
            }
            String query = "SELECT user_id, next_action, churn_risk, as_of, next_action_1_probability, next_actions FROM \""
                + schema + "\".scored_users WHERE churn_risk >= ? ORDER BY user_id";
            try (PreparedStatement statement = connection.prepareStatement(query)) {
                statement.setFloat(1, 0);
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        print("row", Long.toString(rows.getLong(1)), rows.getString(2), Float.toString(rows.getFloat(3)),
                            rows.getTimestamp(4).toString());
                    }
                }
            }
        }
    }

    private static void print(String... fields) {
        System.out.println(String.join("\t", fields));
    }
}
