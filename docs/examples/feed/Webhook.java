// Is called with an agency's deliveries (Standard Webhooks). Java 17, nothing to install: java Webhook.java. It reads:
//   PORT, WEBHOOK_SECRET  where it listens (a proxy in front speaks TLS), and whsec_…, as it came with the keys
//   FEED_URL              https://…/feeds/<agency>, for receipts
//   FEED_TOKEN_FILE       file with the token; read anew each time. FEED_STATE: file that keeps the last number
import com.sun.net.httpserver.*;
import java.net.*;
import java.net.http.*;
import java.nio.file.*;
import java.util.*;
import java.util.regex.*;
import javax.crypto.*;

class Webhook {
    static final Map<String, String> env = System.getenv();
    static final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static final Path state = Path.of(env.get("FEED_STATE"));

    static boolean isOurs(Headers headers, byte[] body) throws Exception {
        String id = headers.getFirst("webhook-id"), at = headers.getFirst("webhook-timestamp");
        Mac mac = Mac.getInstance("HmacSHA256");
        byte[] secret = Base64.getDecoder().decode(env.get("WEBHOOK_SECRET").substring("whsec_".length()));
        mac.init(new javax.crypto.spec.SecretKeySpec(secret, "HmacSHA256"));
        mac.update((id + "." + at + ".").getBytes());
        byte[] right = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes();
        boolean signed = Arrays.stream(headers.getFirst("webhook-signature").split(" "))
            .anyMatch(one -> java.security.MessageDigest.isEqual(right, one.getBytes())); // two while keys change
        return signed && Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(at)) <= 300;
    }

    static int take(String event) throws Exception {
        // Your own system reads JSON with a library; here a pattern finds the number.
        Matcher found = Pattern.compile("\"sequence\":\"([0-9]{16})\"").matcher(event);
        long number = found.find() ? Long.parseLong(found.group(1)) : 0; // a heartbeat has none
        long last = Files.exists(state) ? Long.parseLong(Files.readString(state)) : Math.max(number - 1, 0);
        if (number <= last) return 204; // a repeat
        if (number > last + 1) return 409; // one is missing: we are called again
        System.out.println(event); // Here your own system stores it, with its number; it acts unless it is a replay.
        String token = Files.readString(Path.of(env.get("FEED_TOKEN_FILE"))).strip();
        var receipt = HttpRequest.BodyPublishers.ofString("{\"number\":" + number + ",\"receipt\":\"received\"}");
        HttpRequest request = HttpRequest.newBuilder(URI.create(env.get("FEED_URL") + "/receipts"))
            .POST(receipt).header("Authorization", "Bearer " + token).build();
        int status = client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        if (status == 401 || status == 429 || status >= 500) return 503; // we are called again
        Files.move(Files.writeString(Path.of(state + ".new"), "" + number), state, StandardCopyOption.ATOMIC_MOVE);
        return 204;
    }

    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(env.get("PORT"))), 0);
        server.createContext("/", call -> {
            int status = 500;
            byte[] body = call.getRequestBody().readAllBytes();
            try { status = isOurs(call.getRequestHeaders(), body) ? take(new String(body, "UTF-8")) : 401; }
            catch (Exception error) { System.err.println(error); }
            call.sendResponseHeaders(status, -1);
        });
        server.start();
    }
}
