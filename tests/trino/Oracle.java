import io.trino.Session;
import io.trino.plugin.hive.TestingHivePlugin;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.TestingSession;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;

/** One Trino node on a loopback port. Its address is the first line of standard output; it ends with standard input. */
public class Oracle {
    public static void main(String[] arguments) throws Exception {
        Path root = Path.of(arguments[0]);
        PrintStream out = System.out; // Trino's log takes System.out over.
        Session session = TestingSession.testSessionBuilder()
                .setCatalog("awsdatacatalog")
                .setSchema("connect_datalake")
                .setTimeZoneKey(TimeZoneKey.UTC_KEY)
                .build();
        try (DistributedQueryRunner trino = DistributedQueryRunner.builder(session).setNodeCount(1).build()) {
            trino.installPlugin(new TestingHivePlugin(root));
            trino.createCatalog("awsdatacatalog", "hive", Map.of(
                    "hive.metastore", "file",
                    "hive.metastore.catalog.dir", "local:///metastore",
                    "fs.hadoop.enabled", "false",
                    "hive.security", "allow-all",
                    "hive.parquet.time-zone", "UTC",
                    "hive.hive-views.enabled", "true",
                    "hive.non-managed-table-writes-enabled", "true"));
            out.println(trino.getCoordinator().getBaseUrl());
            out.flush();
            while (System.in.read() >= 0) {
                // Wait for the end of the test.
            }
        }
        System.exit(0);
    }
}
