// Prints hashes of Spring Security's own encoders, one JSON object a line. Needs spring-security-crypto and BouncyCastle on the
// class path.

import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.security.crypto.argon2.Argon2PasswordEncoder;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;
import org.springframework.security.crypto.password.LdapShaPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.crypto.password.Pbkdf2PasswordEncoder;
import org.springframework.security.crypto.scrypt.SCryptPasswordEncoder;

@SuppressWarnings("deprecation")
class Spring {
    public static void main(String[] arguments) {
        Map<String, PasswordEncoder> encoders = new LinkedHashMap<>();
        encoders.put("bcrypt", new BCryptPasswordEncoder(5));
        encoders.put("pbkdf2", Pbkdf2PasswordEncoder.defaultsForSpringSecurity_v5_5());
        encoders.put("pbkdf2@SpringSecurity_v5_8", Pbkdf2PasswordEncoder.defaultsForSpringSecurity_v5_8());
        encoders.put("scrypt", SCryptPasswordEncoder.defaultsForSpringSecurity_v4_1());
        encoders.put("scrypt@SpringSecurity_v5_8", SCryptPasswordEncoder.defaultsForSpringSecurity_v5_8());
        encoders.put("argon2", Argon2PasswordEncoder.defaultsForSpringSecurity_v5_2());
        encoders.put("argon2@SpringSecurity_v5_8", Argon2PasswordEncoder.defaultsForSpringSecurity_v5_8());
        encoders.put("ldap", new LdapShaPasswordEncoder());
        for (Map.Entry<String, PasswordEncoder> encoder : encoders.entrySet()) {
            String hash = "{" + encoder.getKey() + "}" + encoder.getValue().encode("p\u00e4ssw\u00f6rd-emma");
            System.out.printf(
                "{\"by\": \"Spring Security %s, {%s}\", \"password\": \"p\\u00e4ssw\\u00f6rd-emma\", \"hash\": \"%s\"}%n",
                arguments[0], encoder.getKey(), hash);
        }
    }
}
