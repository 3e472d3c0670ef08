import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Shakes hands by the stores of a folder, and prints the URI in the certificate of the server: java Handshake.java FOLDER PASSWORD PORT */
class Handshake {
  public static void main(String[] args) throws Exception {
    char[] password = args[1].toCharArray();
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(load(Path.of(args[0], "keystore.p12"), password), password);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(load(Path.of(args[0], "truststore.p12"), password));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", Integer.parseInt(args[2]))) {
      socket.setSoTimeout(10_000);
      socket.startHandshake();
      // With TLS 1.3 a refusal comes after the handshake.
      socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: quote\r\nConnection: close\r\n\r\n".getBytes());
      String status = new String(socket.getInputStream().readNBytes(12));
      X509Certificate server = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      System.out.println(status + " from " + server.getSubjectAlternativeNames().iterator().next().get(1));
    }
  }

  private static KeyStore load(Path path, char[] password) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (var in = Files.newInputStream(path)) {
      store.load(in, password);
    }
    return store;
  }
}
