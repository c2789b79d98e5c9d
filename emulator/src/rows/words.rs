//! Words that generated rows are made of. Mail goes to example domains; phone numbers are not in use.

/// First names with their Latin spelling: Cyrillic women, Cyrillic men, others women, others men.
pub(crate) const FIRST: [[(&str, &str); 10]; 4] = [
    [
        ("Анна", "anna"),
        ("Мария", "maria"),
        ("Ольга", "olga"),
        ("Елена", "elena"),
        ("Светлана", "svetlana"),
        ("Юлия", "yulia"),
        ("Наталья", "natalia"),
        ("Ирина", "irina"),
        ("Дарья", "daria"),
        ("Ксения", "ksenia"),
    ],
    [
        ("Иван", "ivan"),
        ("Алексей", "alexey"),
        ("Дмитрий", "dmitry"),
        ("Сергей", "sergey"),
        ("Павел", "pavel"),
        ("Николай", "nikolay"),
        ("Артём", "artem"),
        ("Михаил", "mikhail"),
        ("Роман", "roman"),
        ("Виктор", "viktor"),
    ],
    [
        ("Emma", "emma"),
        ("Laura", "laura"),
        ("Sophie", "sophie"),
        ("Grace", "grace"),
        ("Zoë", "zoe"),
        ("Clara", "clara"),
        ("Nina", "nina"),
        ("Alice", "alice"),
        ("Inés", "ines"),
        ("Hannah", "hannah"),
    ],
    [
        ("James", "james"),
        ("Oliver", "oliver"),
        ("Lukas", "lukas"),
        ("Thomas", "thomas"),
        ("André", "andre"),
        ("Daniel", "daniel"),
        ("Jürgen", "juergen"),
        ("Peter", "peter"),
        ("Samuel", "samuel"),
        ("Liam", "liam"),
    ],
];

/// Last names: Cyrillic women, Cyrillic men, others.
pub(crate) const LAST: [[(&str, &str); 10]; 3] = [
    [
        ("Соколова", "sokolova"),
        ("Иванова", "ivanova"),
        ("Кузнецова", "kuznetsova"),
        ("Попова", "popova"),
        ("Лебедева", "lebedeva"),
        ("Новикова", "novikova"),
        ("Морозова", "morozova"),
        ("Волкова", "volkova"),
        ("Зайцева", "zaitseva"),
        ("Белова", "belova"),
    ],
    [
        ("Соколов", "sokolov"),
        ("Иванов", "ivanov"),
        ("Кузнецов", "kuznetsov"),
        ("Попов", "popov"),
        ("Лебедев", "lebedev"),
        ("Новиков", "novikov"),
        ("Морозов", "morozov"),
        ("Волков", "volkov"),
        ("Зайцев", "zaitsev"),
        ("Белов", "belov"),
    ],
    [
        ("Turner", "turner"),
        ("Müller", "mueller"),
        ("O'Connor", "oconnor"),
        ("Garcia", "garcia"),
        ("Becker", "becker"),
        ("Rossi", "rossi"),
        ("Lindqvist", "lindqvist"),
        ("Novák", "novak"),
        ("Hughes", "hughes"),
        ("Dubois", "dubois"),
    ],
];

pub(crate) const SECOND: [[&str; 6]; 2] = [
    ["Ивановна", "Сергеевна", "Петровна", "Алексеевна", "Викторовна", "Павловна"],
    ["Иванович", "Сергеевич", "Петрович", "Алексеевич", "Викторович", "Павлович"],
];

/// Companies: Cyrillic, others.
pub(crate) const COMPANY: [[&str; 12]; 2] = [
    [
        "Ромашка",
        "Вектор",
        "Северный ветер",
        "СтройГарант",
        "ТехноЛайн",
        "Альфа-Сервис",
        "Молочный край",
        "Логистика Плюс",
        "Мебельный двор",
        "Горизонт",
        "ПромСнаб",
        "Экодом",
    ],
    [
        "Blue Harbor",
        "Nordwind Logistics",
        "Acme Tools",
        "Smith & Sons",
        "Brightline Media",
        "Alpine Foods",
        "Redwood Furniture",
        "Copperfield Labs",
        "Sunrise Travel",
        "Quantum Print",
        "Greenway Energy",
        "Old Mill Bakery",
    ],
];
pub(crate) const COMPANY_FORM: [[&str; 3]; 2] = [["ООО", "АО", "ИП"], ["Ltd", "GmbH", "Inc."]];

/// Cities with region, postal prefix and country: Cyrillic, others.
pub(crate) const CITY: [[(&str, &str, &str, &str); 6]; 2] = [
    [
        ("Москва", "Москва", "101", "Россия"),
        ("Санкт-Петербург", "Санкт-Петербург", "190", "Россия"),
        ("Казань", "Татарстан", "420", "Россия"),
        ("Екатеринбург", "Свердловская область", "620", "Россия"),
        ("Минск", "Минская область", "220", "Беларусь"),
        ("Алматы", "Алматинская область", "050", "Казахстан"),
    ],
    [
        ("Berlin", "Berlin", "101", "Germany"),
        ("London", "Greater London", "100", "United Kingdom"),
        ("Lyon", "Auvergne-Rhône-Alpes", "690", "France"),
        ("Boston", "Massachusetts", "021", "United States"),
        ("Valencia", "Comunidad Valenciana", "460", "Spain"),
        ("Kraków", "Małopolska", "300", "Poland"),
    ],
];
pub(crate) const STREET: [[&str; 6]; 2] = [
    ["ул. Ленина", "пр. Мира", "ул. Садовая", "Набережная ул.", "ул. Гагарина", "Заводской пер."],
    ["Station Road", "High Street", "Lindenallee", "Rue des Lilas", "Market Square", "Oak Avenue"],
];

/// What a lead or deal is about: Cyrillic, others.
pub(crate) const TOPIC: [[&str; 10]; 2] = [
    [
        "Заявка с сайта",
        "Звонок с рекламы",
        "Поставка оборудования",
        "Внедрение CRM",
        "Ремонт офиса",
        "Годовое обслуживание",
        "Консультация",
        "Оптовый заказ",
        "Повторная закупка",
        "Участие в тендере",
    ],
    [
        "Website request",
        "Call from an advert",
        "Equipment order",
        "CRM rollout",
        "Office renovation",
        "Annual support",
        "Consulting",
        "Wholesale order",
        "Repeat purchase",
        "Tender",
    ],
];

pub(crate) const POST: [[&str; 6]; 2] = [
    [
        "Директор",
        "Главный бухгалтер",
        "Менеджер по закупкам",
        "Инженер",
        "Администратор",
        "Владелец",
    ],
    ["Director", "Accountant", "Purchasing manager", "Engineer", "Office manager", "Owner"],
];

pub(crate) const COMMENT: [[&str; 4]; 2] = [
    [
        "Просит перезвонить после 15:00",
        "Нужен счёт и договор",
        "Сравнивает с конкурентами, важна цена",
        "Постоянный клиент, скидка 5%",
    ],
    [
        "Asked for a call back in the afternoon",
        "Needs an invoice & a contract",
        "Compares offers: price matters",
        "Regular customer, discount \"5%\"",
    ],
];

/// Sources with their share of a hundred.
pub(crate) const SOURCE: [(&str, u64); 12] = [
    ("WEB", 24),
    ("CALL", 20),
    ("EMAIL", 12),
    ("ADVERTISING", 10),
    ("RECOMMENDATION", 9),
    ("WEBFORM", 8),
    ("PARTNER", 6),
    ("CALLBACK", 4),
    ("TRADE_SHOW", 3),
    ("STORE", 2),
    ("RC_GENERATOR", 1),
    ("OTHER", 1),
];

/// Campaigns: source, medium, name.
pub(crate) const CAMPAIGN: [(&str, &str, &str); 4] = [
    ("google", "cpc", "brand"),
    ("yandex", "cpc", "search_spring"),
    ("newsletter", "email", "june-digest"),
    ("facebook", "social", "retargeting"),
];
